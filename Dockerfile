# The action's image: one static binary, the certificates of public authorities,
# and a folder for temporary files. No shell, no package.
#
# It runs as the action, as a command-line tool, and, with
# ODOO_UPGRADE_COMMAND=sandbox, as a service that stands in for the platform.
FROM --platform=${BUILDPLATFORM:-linux} golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY main.go ./
COPY internal internal
ARG VERSION=
ARG COMMIT=
ARG TARGETOS
ARG TARGETARCH
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -trimpath -buildvcs=false \
    -ldflags="-s -w -buildid= -X odoo-upgrade-action/internal/cli.version=${VERSION} -X odoo-upgrade-action/internal/cli.commit=${COMMIT}" \
    -o /odoo-upgrade . \
    && mkdir -p /empty/tmp && chmod 1777 /empty/tmp

FROM scratch
ARG VERSION=
ARG COMMIT=
ARG SOURCE=
LABEL org.opencontainers.image.title="odoo-upgrade-action" \
      org.opencontainers.image.description="Take an Odoo database through the vendor's upgrade platform" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.source="${SOURCE}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /empty/ /
COPY --from=build /odoo-upgrade /odoo-upgrade
# Where a sandbox listens and keeps its data; the action does not use these.
ENV ODOO_UPGRADE_LISTEN=0.0.0.0:8069 ODOO_UPGRADE_SFTP_LISTEN=0.0.0.0:2200 ODOO_UPGRADE_DATA=/tmp/sandbox
EXPOSE 8069 2200
HEALTHCHECK --interval=5s --timeout=3s --retries=6 CMD ["/odoo-upgrade", "health"]
# The runner needs root: the workspace that it mounts can belong to any user.
USER 0:0
ENTRYPOINT ["/odoo-upgrade"]
