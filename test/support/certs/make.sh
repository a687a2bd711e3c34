#!/bin/sh
# Makes the certificates of this folder again; see README.md. The authority's key is not kept.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/index"

cat > "$work/config" <<CONFIG
[ca]
default_ca = test
[test]
new_certs_dir = $work
database = $work/index
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:example.test, DNS:*.example.test, DNS:localhost, IP:127.0.0.1
CONFIG

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
# Signs with dates of our own, which `openssl req -x509` cannot: usable whatever the clock says, or expired for good.
sign() { openssl ca -batch -notext -config "$work/config" -startdate 20200101000000Z "$@"; }

key "$work/ca.key"
openssl req -new -key "$work/ca.key" -subj '/CN=Pigeonpost test authority' -out "$work/ca.csr"
sign -selfsign -keyfile "$work/ca.key" -in "$work/ca.csr" -extensions authority -enddate 21200101000000Z -out ca.pem

key server.key
openssl req -new -key server.key -subj '/CN=example.test' -out "$work/server.csr"
sign -keyfile "$work/ca.key" -cert ca.pem -in "$work/server.csr" -extensions server -enddate 21200101000000Z -out server.pem
sign -keyfile "$work/ca.key" -cert ca.pem -in "$work/server.csr" -extensions server -enddate 20200102000000Z -out expired.pem
