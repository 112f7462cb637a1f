#!/usr/bin/env bash
# The compiler wrapper of this project (.cargo/config.toml). It erases the types of views, in the builds of server and
# browser alike, because hydration needs both to agree. The flag is here because a variable `RUSTFLAGS`, even an empty
# one, replaces all flags in cargo's configuration, and Vercel sets it.
#
# Programs do not contain paths of the machine that built them.
#
# In bash, because other shells drop variables like CARGO_BIN_EXE_import-relay, whose names are invalid there.
exec "$@" --cfg erase_components --remap-path-prefix="${CARGO_HOME:-$HOME/.cargo}/registry/src=crates"
