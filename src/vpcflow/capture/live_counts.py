"""What live capture met beside packets and losses: for whoever asks a running capture."""

from __future__ import annotations

from collections import Counter

from vpcflow.capture.live_capture import LiveCapture


def firewall_log_counts(live: LiveCapture) -> dict[str, int]:
    """What became of the packets that firewalls logged, over all namespaces. Units: packets."""
    found: Counter[str] = Counter()
    for capture in live.captures:
        found.update(capture.verdicts.counts)
        if capture.log is not None:
            found["malformed"] += capture.log.counts.malformed
    return dict(found)


def mirror_counts(live: LiveCapture) -> dict[str, int]:
    """What became of mirrored traffic; empty where none is expected. Units: outer packets."""
    found: Counter[str] = Counter()
    for capture in live.captures:
        outside = capture.decapsulator
        if outside is not None:
            found["mirrored"] += outside.mirrored
            found["unknown-vni"] += outside.unknown_vni
            found["malformed"] += outside.malformed
            found["fragments"] += outside.fragments
    return dict(found)


def parser_counts(live: LiveCapture) -> dict[str, int]:
    """Packets that were counted, and of which not all could be told. Units: packets."""
    found: Counter[str] = Counter(late=live.meter.late_packets)
    for capture in live.captures:
        found.update(capture.feed.fragment_counts)
    return dict(found)
