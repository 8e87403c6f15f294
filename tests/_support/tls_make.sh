#!/bin/sh
# Makes the certificates in tls.ts: sh tests/_support/tls_make.sh > tests/_support/tls.ts
# Valid until 2120. The keys protect nothing.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null; }

# `openssl ca`, for it alone lets every version say from when a certificate is valid.
touch index
openssl rand -hex 16 > serial
cat > ca.cnf <<'END'
[ca]
default_ca = all
[all]
database = index
serial = serial
new_certs_dir = .
policy = any
default_md = sha256
unique_subject = no
[any]
commonName = supplied
END

# sign NAME EXTENSIONS ARGUMENTS...
end=21200101000000Z
sign() {
  name=$1
  printf '%b\n' "$2" > "$name.ext"
  shift 2
  openssl req -new -key "$name.key" -subj "/CN=ergo-ts test $name" -out "$name.csr"
  openssl ca -config ca.cnf -batch -notext -startdate 20200101000000Z -enddate $end \
    -extfile "$name.ext" -in "$name.csr" -out "$name.crt" "$@" 2>/dev/null
}

# authority NAME
authority() {
  key "$1"
  sign "$1" "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign" \
    -selfsign -keyfile "$1.key"
}

# issue NAME AUTHORITY SUBJECT_ALT_NAME
issue() {
  key "$1"
  sign "$1" "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=$3" \
    -cert "$2.crt" -keyfile "$2.key"
}

authority authority
authority stranger
issue server authority "DNS:localhost,IP:127.0.0.1"
issue named authority "DNS:named.test"
issue client authority "DNS:client.test"
issue intruder stranger "DNS:localhost,IP:127.0.0.1"
end=20210101000000Z
issue expired authority "DNS:localhost,IP:127.0.0.1"

cat <<'END'
// Written by tls_make.sh. For tests only; the keys are no secret.

/** A certificate with its key, PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

END
emit() { printf '\nexport const %s: %s = %s;\n' "$1" "$2" "$3"; }
emit "authority" "string" "\`$(cat authority.crt)\`"
for name in server named client intruder expired; do
  case $name in
    server) echo; printf '/** Made by the authority for localhost and 127.0.0.1. */' ;;
    named) echo; printf '/** Made by the authority for the name "named.test" alone. */' ;;
    client) echo; printf '/** Made by the authority for a client. */' ;;
    expired) echo; printf '/** Made by the authority for localhost and 127.0.0.1, valid until 2021. */' ;;
    intruder) echo; printf '/** Made by somebody else. */' ;;
  esac
  emit "$name" "Identity" "{
  cert: \`$(cat $name.crt)\`,
  key: \`$(cat $name.key)\`,
}"
done
