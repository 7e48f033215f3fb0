"""Work begun ahead: who waits for it hears how far it is, and the work never waits for itself."""

from threading import Event, Thread, current_thread
from types import SimpleNamespace

from gatekit.ahead import Ahead
from gatekit.run import GateRun


def test_who_waits_looks_now_and_then_until_it_is_done():
    ahead, enough = Ahead(), Event()
    looks = []

    def look():
        looks.append(current_thread())
        if len(looks) == 2:
            enough.set()

    ahead.begin(enough.wait)
    ahead.wait(look)
    assert looks[:2] == [current_thread()] * 2
    seen = len(looks)
    ahead.wait(look)  # done: nobody looks
    assert len(looks) == seen


def test_nothing_is_begun_twice_and_an_error_is_for_who_does_it_again():
    ahead, done = Ahead(), []

    def work():
        ahead.wait()  # the work itself does not wait
        done.append(1)
        raise ValueError

    ahead.wait()  # nothing was begun
    ahead.begin(work)
    ahead.begin(work)
    ahead.wait()
    assert done == [1]


def test_only_the_main_thread_writes_and_it_tells_the_latest_of_who_it_waits_for():
    told = []
    run = SimpleNamespace(_unheard={}, progress=lambda *words: told.append(words))

    def hear(done):
        GateRun._hear(run, "candidate", "rows", done, 10)

    for done in (1, 2):
        thread = Thread(target=hear, args=(done,))
        thread.start()
        thread.join()
    assert told == []
    GateRun._retell(run, "champion")
    assert told == []
    GateRun._retell(run, "candidate")
    GateRun._retell(run, "candidate")
    assert told == [("rows", 2, 10)]
    hear(3)
    assert told[1:] == [("rows", 3, 10)]
