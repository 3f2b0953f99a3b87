#!/bin/sh
# What live capture, the firewall and the lab need of the system: `ip` and `nft`. Installed where
# that is possible; elsewhere it is said, and everything else works without.
set -eu
missing=""
command -v ip >/dev/null 2>&1 || [ -x /usr/sbin/ip ] || missing="iproute2"
command -v nft >/dev/null 2>&1 || [ -x /usr/sbin/nft ] || missing="$missing nftables"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing system packages:" $missing
    # Without a network the rest of vpcflow is still of use.
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing; } \
        >/dev/null 2>&1 || echo "could not install them: the firewall and the lab need $missing"
else
    echo "for the firewall and the lab install, as root:" $missing
fi
