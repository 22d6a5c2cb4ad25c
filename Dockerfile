# The action's image: one static binary, the certificates of public authorities,
# and a folder for temporary files. No shell, no package.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY main.go ./
COPY internal internal
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags="-s -w -buildid= -X odoo-upgrade-action/internal/cli.version=${VERSION}" -o /odoo-upgrade . \
    && mkdir -p /empty/tmp && chmod 1777 /empty/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /empty/ /
COPY --from=build /odoo-upgrade /odoo-upgrade
# The runner needs root: the workspace that it mounts belongs to anybody.
USER 0:0
ENTRYPOINT ["/odoo-upgrade"]
