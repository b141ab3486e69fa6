#!/bin/sh
# usage: with-node.sh PROGRAM [ARGUMENT...]
# Runs a program of this project on the Node that the project brings, else on one of the PATH that is new enough.
# Where there is neither, it says in a line or two what to do.
least=24
modules=${0%/*}/../../node_modules
own=$modules/.bin/node

if [ -x "$own" ]; then
  # A Node that cannot run says so here: what it needs of the system is missing.
  fault=$("$own" --version 2>&1 >/dev/null) && exec "$own" "$@"
fi

# npm puts node_modules/.bin before the PATH: the Nodes there are the one that was just tried.
IFS=:
for folder in $PATH; do
  case $folder in */node_modules/.bin) continue ;; esac
  [ -x "$folder/node" ] || continue
  version=$("$folder/node" --version 2>/dev/null) || continue
  version=${version#v}
  [ "${version%%.*}" -lt "$least" ] || exec "$folder/node" "$@"
  break
done

case $fault in
  *libatomic*)
    echo "Backscroll's own Node needs libatomic1, which this system does not have. As root:" >&2
    echo "  apt-get update && apt-get install -y libatomic1" >&2
    ;;
  ?*) echo "Backscroll's own Node does not run here: $fault" >&2 ;;
  *)
    echo "Backscroll needs Node $least or newer; this is ${version:-none}." >&2
    echo "The project brings its own: run npm ci, without --omit=optional. Where there is none for this system, install one." >&2
    ;;
esac
exit 1
