#!/bin/sh
# Prints what every file is that is not corrald's or the kernel's, to be compared after a loss of power:
# place, size, owner, mode and time of all, and a sum of those that somebody might change.
find /etc /opt /srv/canary /usr -xdev -print0 | sort -z | xargs -0 stat -c '%n %s %u %g %a %Y'
find /etc /opt /srv/canary -xdev -type f -print0 | sort -z | xargs -0 sha256sum
