"""Plays one history: python -m tests.simulation SEED [--steps 10000]"""

from __future__ import annotations

import argparse
import time

from tests.simulation.world import World


def main() -> None:
    """Play the history of a seed and say what happened in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed")
    parser.add_argument("--steps", type=int, default=10_000)
    args = parser.parse_args()
    began = time.perf_counter()
    world = World(args.seed, args.steps)
    happened = world.play()
    for name, count in sorted(happened.items()):
        print(f"{count:8d}  {name}")
    print(
        f"{world.made_steps} steps, {world.loop.time() / 3600:.1f} hours, "
        f"{time.perf_counter() - began:.1f} s to play"
    )


if __name__ == "__main__":
    main()
