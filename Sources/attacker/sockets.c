// Area A of the attack cases: sockets that reach past the network namespace, or the kernel's rarer code.
#include "attacker.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/// No type: the kernel answers EINVAL before it looks whether it has the family, and so tells its own
/// refusal of a family from the filter's.
enum { no_type = 11 };

/// Where no filter stands before the kernel, asking for a family or a protocol would load its module on the
/// host: nothing that a control may do.
static int unfiltered(void) { return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0; }

/// Those that are no modules anywhere, and AF_VSOCK (40), which shows that a network namespace does not
/// hold everything.
static int is_harmless(int family) {
    return family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK ||
           family == AF_PACKET || family == 40;
}

static const char *open_socket(int family, int type, int protocol) {
    if (unfiltered() && !is_harmless(family)) type = no_type;
    int number = socket(family, type, protocol);
    if (number >= 0 || errno != EAFNOSUPPORT) return outcome(number);
    // Whose answer is it?
    if (socket(family, no_type, 0) < 0 && errno == EINVAL) return "only the kernel has none";
    return "EAFNOSUPPORT";
}

#define SOCKET(identifier, family, type, protocol) \
    static const char *identifier(void) { return open_socket(family, type, protocol); }

SOCKET(vsock, 40, SOCK_STREAM, 0)
SOCKET(packet, 17, SOCK_RAW, 0x300)
SOCKET(alg, 38, SOCK_SEQPACKET, 0)
SOCKET(xdp, 44, SOCK_RAW, 0)
SOCKET(key, 15, SOCK_RAW, 2)
SOCKET(bluetooth, 31, SOCK_RAW, 1)
SOCKET(can, 29, SOCK_RAW, 1)
SOCKET(audit, 16, SOCK_RAW, 9)
SOCKET(uevents, 16, SOCK_DGRAM, 15)
SOCKET(route, 16, SOCK_RAW, 0)
SOCKET(raw4, AF_INET, SOCK_RAW, 1)
SOCKET(raw6, AF_INET6, SOCK_RAW, 58)
SOCKET(ping, AF_INET, SOCK_DGRAM, 1)
SOCKET(mptcp, AF_INET, SOCK_STREAM, 262)

/// Netfilter; without a filter only whether it would be asked.
static const char *netfilter(void) { return open_socket(AF_NETLINK, unfiltered() ? no_type : SOCK_RAW, 12); }

/// SCTP; without a filter a protocol that nobody has.
static const char *sctp(void) { return open_socket(AF_INET, SOCK_STREAM, unfiltered() ? 131 : 132); }

/// The families with a type that is none: any answer but the filter's is the kernel's own.
static const char *families_past_the_filter(void) {
    static char list[400];
    size_t used = 0;
    int count = 0;
    for (int family = 0; family <= 45; family++) {
        if (socket(family, no_type, 0) >= 0 || errno == EAFNOSUPPORT) continue;
        count++;
        if (used < sizeof list - 8) used += (size_t)snprintf(list + used, sizeof list - used, " %d", family);
    }
    return count ? words("reached the kernel: %d families:%s", count, list) : "none";
}

/// The kinds that one profile or another has on purpose.
static int is_plain(int family, int type, int protocol) {
    if (family == AF_UNIX) return type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_SEQPACKET;
    if (family == AF_INET || family == AF_INET6)
        return (type == SOCK_STREAM && (protocol == 0 || protocol == 6)) ||
               (type == SOCK_DGRAM && (protocol == 0 || protocol == 17));
    return family == AF_NETLINK && (type == SOCK_RAW || type == SOCK_DGRAM) && protocol == 0;
}

/// Every family, type and protocol, those that are plain or the others: what could be opened, as
/// family:type/protocol.
static const char *openable(int plain) {
    static const int types[] = {1, 2, 3, 4, 5, 10}, protocols[] = {0, 1, 6, 17, 132, 262};
    static char list[1500];
    size_t used = 0;
    for (int family = 0; family <= 50; family++)
        for (size_t t = 0; t < sizeof types / sizeof *types; t++)
            for (size_t p = 0; p < sizeof protocols / sizeof *protocols; p++) {
                if (is_plain(family, types[t], protocols[p]) != plain) continue;
                if (unfiltered() && (!is_harmless(family) || protocols[p] == 132)) continue;
                int number = socket(family, types[t], protocols[p]);
                if (number < 0) continue;
                close(number);
                if (used < sizeof list - 24)
                    used += (size_t)snprintf(
                        list + used, sizeof list - used, " %d:%d/%d", family, types[t], protocols[p]);
            }
    return used ? words("found:%s", list) : "none";
}

static const char *sockets_plain(void) { return openable(1); }
static const char *sockets_other(void) { return openable(0); }

#define PAIR(identifier, family, type) \
    static const char *identifier(void) { \
        int ends[2]; \
        return outcome(socketpair(family, type, 0, ends)); \
    }

PAIR(pair_datagrams, AF_UNIX, SOCK_DGRAM)
/// That no such pair exists is the kernel's answer EOPNOTSUPP.
PAIR(pair_netlink, AF_NETLINK, SOCK_RAW)

/// CVE-2021-22555: the tables of iptables, by an option of any socket.
static const char *replace_tables(void) {
    char table[96] = "filter";
    int number = socket(AF_INET, SOCK_STREAM, 0);
    if (number < 0) return outcome(-1);
    int result = setsockopt(number, IPPROTO_IP, 64 /* IPT_SO_SET_REPLACE */, table, sizeof table);
    if (result < 0 && errno == ENOPROTOOPT) return "not in this kernel";
    return outcome(result);
}

const struct attempt socket_attempts[] = {
    {"socket-vsock", vsock},
    {"socket-packet", packet},
    {"socket-alg", alg},
    {"socket-xdp", xdp},
    {"socket-key", key},
    {"socket-bluetooth", bluetooth},
    {"socket-can", can},
    {"socket-netfilter", netfilter},
    {"socket-audit", audit},
    {"socket-uevents", uevents},
    {"socket-route", route},
    {"socket-raw", raw4},
    {"socket-raw-ipv6", raw6},
    {"socket-ping", ping},
    {"socket-sctp", sctp},
    {"socket-mptcp", mptcp},
    {"families-past-the-filter", families_past_the_filter},
    {"sockets-plain", sockets_plain},
    {"sockets-other", sockets_other},
    {"pair-of-datagrams", pair_datagrams},
    {"pair-of-netlink", pair_netlink},
    {"replace-ip-tables", replace_tables},
    {NULL, NULL},
};
