"""How often somebody may try to sign in: token buckets by address and by key id."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict

from vpcflow.base.clock import Clock

#: Tries in a row from one address, and how long one more takes.
ADDRESS_TRIES_MAX = 30
ADDRESS_TRY_S = 2.0
#: The same for one key id, from wherever: a secret is guessed a little slower than that.
KEY_TRIES_MAX = 10
KEY_TRY_S = 6.0
#: Buckets of one kind in memory; the one that was used longest ago makes room.
BUCKETS_MAX = 10_000
#: An address of IPv6 stands for the network that one customer gets.
_IPV6_PREFIX = 64


class TokenBuckets:
    """So many tries in a row for each name, and one more every so many seconds.

    Shape: safe for any number of threads.
    """

    def __init__(self, clock: Clock, tries_max: int, try_s: float) -> None:
        self._clock = clock
        self._tries_max = tries_max
        self._try_s = try_s
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> float:
        """Use one try: 0, or the seconds until there is one."""
        with self._lock:
            left = self._left(name)
            is_allowed = left >= 1
            self._keep(name, left - 1 if is_allowed else left)
            return 0.0 if is_allowed else (1 - left) * self._try_s

    def give_back(self, name: str) -> None:
        """A try that was a success counts for nothing."""
        with self._lock:
            self._keep(name, min(self._tries_max, self._left(name) + 1))

    def _left(self, name: str) -> float:
        now_s = self._clock.monotonic_s()
        left, since_s = self._buckets.get(name, (float(self._tries_max), now_s))
        return min(self._tries_max, left + (now_s - since_s) / self._try_s)

    def _keep(self, name: str, left: float) -> None:
        self._buckets[name] = (left, self._clock.monotonic_s())
        self._buckets.move_to_end(name)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)


class Attempts:
    """Tries to sign in."""

    def __init__(self, clock: Clock) -> None:
        self._addresses = TokenBuckets(clock, ADDRESS_TRIES_MAX, ADDRESS_TRY_S)
        self._keys = TokenBuckets(clock, KEY_TRIES_MAX, KEY_TRY_S)

    def take(self, address: str, key_id: str) -> float:
        """Use one try: 0, or the seconds to wait."""
        return self._addresses.take(network_of(address)) or self._keys.take(key_id)

    def succeeded(self, address: str, key_id: str) -> None:
        """The try was a success."""
        self._addresses.give_back(network_of(address))
        self._keys.give_back(key_id)


def network_of(address: str) -> str:
    """What counts as one client."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((int(parsed), _IPV6_PREFIX), strict=False).network_address)
