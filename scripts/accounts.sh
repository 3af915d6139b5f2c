#!/bin/sh
# Makes the group and the user `corral` where they are not there: accounts.sh [DIRECTORY].
# corrald runs as that user, and members of the group may connect to it. With DIRECTORY the files are
# DIRECTORY/etc/passwd and so on.
set -eu
directory=${1:-}
if [ "$(id -u)" -ne 0 ]; then
    echo "accounts: not root, so no user and no group corral were made; a daemon of your own needs neither" >&2
    exit 0
fi
if ! command -v groupadd >/dev/null || ! command -v useradd >/dev/null; then
    echo "accounts: there is no groupadd or useradd; make the system group corral and a user of it yourself" >&2
    exit 1
fi
at() { if [ -n "$directory" ]; then "$@" --prefix "$directory" corral; else "$@" corral; fi; }
has() { grep -q '^corral:' "$directory/etc/$1" 2>/dev/null; }

if ! has group; then
    at groupadd --system
    echo "accounts: made the group corral; usermod -aG corral USER lets USER start sessions"
fi
if ! has passwd; then
    at useradd --system --gid corral --home-dir /nonexistent --no-create-home \
        --shell /usr/sbin/nologin --comment "Corral daemon"
    echo "accounts: made the user corral, whom corrald becomes"
fi
