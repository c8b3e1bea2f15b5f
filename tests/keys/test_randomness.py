"""Random blocks: never the same one twice, whoever draws them."""

import os
from concurrent.futures import ThreadPoolExecutor

from keys.randomness import BLOCK, block


def test_no_two_blocks_are_the_same():
    blocks = [block() for _ in range(2000)]
    assert len(set(blocks)) == 2000
    assert {len(each) for each in blocks} == {BLOCK}


def test_threads_are_given_different_ones():
    with ThreadPoolExecutor(8) as pool:
        blocks = list(pool.map(lambda _: block(), range(20_000)))
    assert len(set(blocks)) == len(blocks)


def test_a_forked_process_is_given_different_ones():
    block()  # what a parent has drawn, its child must not draw too
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, b"".join(block() for _ in range(300)))
        os._exit(0)
    os.waitpid(child, 0)
    drawn = os.read(reading, BLOCK * 300)
    theirs = {drawn[start : start + BLOCK] for start in range(0, len(drawn), BLOCK)}
    assert len(theirs) == 300
    assert theirs.isdisjoint(block() for _ in range(300))
