# Builds the program with the site inside, with the tools that `make` installs.
FROM rust:1-bookworm@sha256:59037199c44290f2befcdd58dcc540164763fc296950255aaefeef096a1866b0 AS build
WORKDIR /src
RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm \
    && rm -rf /var/lib/apt/lists/*
# A layer of its own: tools change less often than sources.
COPY rust-toolchain.toml Cargo.toml Cargo.lock ./
COPY scripts ./scripts
RUN scripts/tools.sh build
COPY . .
RUN --mount=type=cache,target=/src/target,sharing=locked \
    --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    make release && cp target/release/import-relay /import-relay && mkdir /data

# glibc, CA certificates and an unprivileged user; no shell.
FROM gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f
COPY --from=build /import-relay /import-relay
COPY --from=build --chown=nonroot:nonroot /data /data
ENV LISTEN_ADDR=0.0.0.0:3000 \
    DATA_DIR=/data \
    LOG_FORMAT=json
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=6s --start-period=5s CMD ["/import-relay", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/import-relay"]
