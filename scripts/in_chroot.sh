#!/bin/sh
# in_chroot.sh FOLDER PROGRAM ARGS...: runs a program of a system that otp_chroots.mjs has made.
#
# It sees the network, /proc, /dev, the temporary files and this repository as they are outside. The mounts are its own
# and end with it, so that nothing stays mounted in FOLDER; its process id is the one of this command.
set -eu

if [ "$1" != --mounted ]; then
  exec unshare --mount --propagation private "$0" --mounted "$@"
fi
folder=$2
shift 2

mount -t proc proc "$folder/proc"
mount --rbind /dev "$folder/dev"
repository=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
for shared in "${TMPDIR:-/tmp}" "$repository"; do
  mkdir -p "$folder$shared"
  mount --bind "$shared" "$folder$shared"
done
exec chroot "$folder" "$@"
