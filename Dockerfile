# The official nginx image with the module, which is built in that image for the nginx in it: docs/install.md.
ARG NGINX_VERSION=1.28.3

FROM rust:1-slim-bookworm AS rust

FROM nginx:${NGINX_VERSION} AS build
# Versions are those of the image's release.
# hadolint ignore=DL3008
RUN apt-get update && \
    apt-get install -y --no-install-recommends gcc libc6-dev libclang-dev libpcre2-dev libssl-dev make zlib1g-dev
COPY --from=rust /usr/local/cargo /usr/local/cargo
COPY --from=rust /usr/local/rustup /usr/local/rustup
ENV CARGO_HOME=/usr/local/cargo RUSTUP_HOME=/usr/local/rustup PATH=/usr/local/cargo/bin:$PATH
WORKDIR /src
COPY . .
RUN packaging/for-nginx.sh nginx /made && \
    strip --strip-unneeded /made/ngx_http_crossdomain_media_module.so /made/crossdomain-media

FROM nginx:${NGINX_VERSION}
COPY --from=build /made/ngx_http_crossdomain_media_module.so /usr/lib/nginx/modules/
COPY --from=build /made/crossdomain-media /usr/local/bin/
RUN sed -i '1i load_module modules/ngx_http_crossdomain_media_module.so;' /etc/nginx/nginx.conf && \
    nginx -t
