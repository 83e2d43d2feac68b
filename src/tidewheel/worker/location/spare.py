"""A process that has imported user code ahead and waits on its standard input for what it shall be."""

from __future__ import annotations

import os
import sys

import msgspec

from tidewheel.runtime.known_secrets import know_environment
from tidewheel.runtime.location_args import LocationArgs
from tidewheel.runtime.views.log_lines import set_up_child_log
from tidewheel.worker.environment.run_target import resolve_jobs
from tidewheel.worker.location.loaded_code import LoadFailure, load_code
from tidewheel.worker.location.location_process import run_assignment
from tidewheel.worker.steps.child_start import Assignment, reset_signals


def main() -> None:
    """Entry of the process; ends without a word when its parent does before giving an assignment."""
    args = msgspec.json.decode(sys.argv[1], type=LocationArgs)
    set_up_child_log(args.log_level, args.log_format, location=args.name)
    try:
        code = load_code(args.target, args.name)
    except LoadFailure as failure:
        print(f"tidewheel: {args.name}: {failure}", file=sys.stderr)
        sys.exit(1)
    know_environment()
    resolve_jobs(code.defs, (job.name for job in code.snapshot.jobs))
    data = sys.stdin.buffer.read()
    if not data:
        sys.exit(0)
    reset_signals()
    status = run_assignment(args, code, msgspec.msgpack.decode(data, type=Assignment))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
