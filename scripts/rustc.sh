#!/usr/bin/env bash
# The compiler as cargo calls it for this project (.cargo/config.toml): the types of views are erased, in the server's
# program and the browser's alike, or the one could not take over what the other renders. Here, for `RUSTFLAGS` in the
# environment, even an empty one, takes the place of all flags that cargo is configured with, and Vercel sets it.
#
# Nor do the programs name directories of the machine that built them.
#
# By bash: other shells drop variables like CARGO_BIN_EXE_import-relay, whose names are none to them.
exec "$@" --cfg erase_components --remap-path-prefix="${CARGO_HOME:-$HOME/.cargo}/registry/src=crates"
