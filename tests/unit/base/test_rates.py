"""A burst, then a steady rate; each caller for itself; never more callers in memory than a bound."""

from hansa.base.rates import REMEMBERED, Rate, RateLimit


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_burst_then_one_a_second():
    clock = Clock()
    limit = RateLimit(Rate(burst=3, per_minute=60), clock)
    assert [limit.allows("a") for _ in range(4)] == [True, True, True, False]
    clock.seconds = 1.0
    assert [limit.allows("a") for _ in range(2)] == [True, False]


def test_a_rest_gives_no_more_than_the_burst():
    clock = Clock()
    limit = RateLimit(Rate(burst=2, per_minute=60), clock)
    limit.allows("a")
    clock.seconds = 10_000
    assert [limit.allows("a") for _ in range(3)] == [True, True, False]


def test_callers_do_not_share():
    limit = RateLimit(Rate(burst=1), Clock())
    assert limit.allows("a")
    assert limit.allows("b")
    assert not limit.allows("a")


def test_refused_requests_cost_nothing():
    clock = Clock()
    limit = RateLimit(Rate(burst=1, per_minute=60), clock)
    limit.allows("a")
    for _ in range(100):
        limit.allows("a")
    clock.seconds = 1.0
    assert limit.allows("a")


def test_memory_is_bounded():
    limit = RateLimit(Rate(burst=1), Clock())
    for caller in range(REMEMBERED + 10):
        limit.allows(caller)
    assert limit.allows(0)
    assert not limit.allows(REMEMBERED + 5)
