"""What runs on the other side, when a launcher carries an order to another process or machine."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace

from pedigree.config.launching.contract import Order
from pedigree.config.launching.local import problem_of, start_supervisor


def carry_out(text: str) -> str | None:
    """Run the supervisor of this order to its end, and give why there may be no outcome; None when all went well.

    The supervisor is a process of its own: whatever the job does, the worker that called us lives on. When this call
    is interrupted or its process dies, the supervisor ends the job.
    """
    order = replace(Order.of(text), parent=os.getpid())
    process = start_supervisor(order)
    try:
        said = _ended(process)
    except BaseException:
        process.terminate()
        try:
            process.communicate(timeout=order.grace_s + 5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        raise
    return problem_of(process.returncode, said)


def _ended(process: subprocess.Popen[bytes]) -> bytes:
    """What it said, once it has ended. Awake now and then: Ray interrupts a task by raising in its thread, which a
    thread that waits in the kernel does not notice."""
    while True:
        try:
            return process.communicate(timeout=0.5)[0]
        except subprocess.TimeoutExpired:
            continue
