FROM golang:1.26-alpine3.22@sha256:727cfc3c40be55cd1bc9a4a059406b28a059857e3be752aa9d09531e12c20c56 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /gx-ol ./cmd/gx-ol

# Alpine and not scratch: the health check needs wget, and whoever is called at night a shell.
FROM alpine:3.22@sha256:14358309a308569c32bdc37e2e0e9694be33a9d99e68afb0f5ff33cc1f695dce
RUN apk add --no-cache ca-certificates && adduser -D -H -u 10001 gx-ol
COPY --from=build /gx-ol /usr/local/bin/gx-ol
USER 10001:10001
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD wget -q -O /dev/null http://127.0.0.1:9464/healthz
ENTRYPOINT ["gx-ol"]
CMD ["--help"]
