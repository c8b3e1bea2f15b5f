"""Letting go of a registry: all of it, and none of what somebody still uses."""

import threading
import weakref

from issuer.registry.freeing import PIECE, free


class Record:
    pass


def test_everything_is_freed():
    records = [Record() for _ in range(2 * PIECE + 1)]
    watched = [weakref.ref(each) for each in records]
    free(records)
    assert records == []
    assert not any(each() for each in watched)


def test_what_somebody_still_holds_stays():
    held = Record()
    free([Record(), held])
    assert weakref.ref(held)() is held


def test_other_threads_run_in_between():
    """A thread that only counts gets its turn at least once for some of the pieces."""
    records = [Record() for _ in range(300 * PIECE)]
    counted = []
    done = threading.Event()

    def count() -> None:
        while not done.is_set():
            counted.append(len(records))
            done.wait(0)

    other = threading.Thread(target=count)
    other.start()
    free(records)
    done.set()
    other.join()
    assert len(set(counted)) > 1
