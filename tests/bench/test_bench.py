"""The harness judges: these say that it judges right. No load runs here."""
import types

import pytest

import bench
import bodies
import hops
import load
import ratios
import scenarios
import table


def piece(foreign=0.0, cost=10.0):
    return load.Slice(100, 0, 50.0, cost, 20.0, 90.0, foreign, 0.0)


class Rows(list):
    def writerow(self, row):
        self.append(row)


def bench_of(pieces, retries=3):
    """A Bench whose slices are `pieces`, in this order."""
    made = load.Bench.__new__(load.Bench)
    made.options = types.SimpleNamespace(retries=retries, pairs=4)
    made.noisy = made.repeated = made.total = 0
    made.raw = Rows()
    made.random = types.SimpleNamespace(shuffle=lambda order: None)
    made.earlier = []
    made.upstream = types.SimpleNamespace(pid=1)
    left = iter(pieces)
    made.take = lambda *_: next(left)
    return made


def test_the_median_of_paired_ratios_is_not_moved_by_one_bad_pair():
    one = ratios.paired_ratio([9, 18, 9, 9, 90], [10, 20, 10, 10, 10])
    assert one.median == pytest.approx(0.9)
    assert one.low == pytest.approx(0.9) and one.high == pytest.approx(9)


@pytest.mark.parametrize("values,verdict", [([0.9] * 5, "met"), ([1.1] * 5, "missed"), ([0.9, 0.9, 0.9, 1.2, 1.2], "met, within noise"),
                                            ([0.9, 0.9, 1.2, 1.2, 1.2], "missed, within noise")])
def test_a_bar_is_judged_by_the_median_and_doubt_is_said(values, verdict):
    assert ratios.estimate(values).judge(1.0) == verdict


def test_series_of_different_length_are_no_pairs():
    with pytest.raises(ValueError):
        ratios.paired_ratio([1, 2], [1])


def test_a_disturbed_slice_is_taken_again_until_it_is_clean():
    made = bench_of([piece(0.5), piece(0.2), piece(0.01, cost=7.0), piece()])
    assert made.keep("http", None, types.SimpleNamespace(name="Loam"), 0).cost == 7.0
    assert (made.total, made.repeated, made.noisy) == (1, 2, 0)
    assert [row[4] for row in made.raw] == [0, 0, 1]


def test_after_the_repetitions_the_cleanest_is_kept_and_counted():
    made = bench_of([piece(0.5), piece(0.2, cost=7.0), piece(0.3)], retries=2)
    assert made.keep("http", None, types.SimpleNamespace(name="Loam"), 0).cost == 7.0
    assert (made.repeated, made.noisy) == (2, 1)


def test_each_second_pass_goes_backwards(monkeypatch):
    order = []
    made = bench_of([])
    made.keep = lambda scenario, what, contender, number: order.append(contender.name) or piece()
    monkeypatch.setattr(load.machine, "pin", lambda *_: None)
    contenders = [types.SimpleNamespace(name=name, pin=lambda core: None) for name in "ABC"]
    series = made.measure("http", load.Load("http", ()), contenders, 4)
    assert "".join(order) == "ABCCBACBAABC"
    assert all(len(one.slices) == 4 for one in series.values())


def test_growth_of_instructions_is_a_complaint_and_so_is_a_missing_figure():
    known = {"Loam": 1000, "HAProxy": 4000}
    assert list(bench.grown({"Loam": (1029, 5000), "HAProxy": (4000, 4000)}, known)) == []
    assert len(list(bench.grown({"Loam": (1031, 5000)}, known))) == 2


def rows_of(scenario, name, count, kept=1):
    return [dict(zip(["time", "scenario", "contender", "pass", "kept", *load.Slice.__dataclass_fields__],
                     map(str, [1.5, scenario, name, number, kept, 100, 0, 50.0, 10.0 + number, 20.0, 90.0, 0.2, 0.0]))) for number in range(count)]


def test_a_run_that_was_cut_off_goes_on_behind_what_it_had_finished():
    one = bench_of([piece()] * 4)
    one.earlier = rows_of("http", "a", 4) + rows_of("http", "a", 2, kept=0) + rows_of("ping", "a", 3)
    contender = types.SimpleNamespace(name="a")
    assert one.finished("http", [contender], 4)["a"].of("cost") == [10.0, 11.0, 12.0, 13.0]
    assert (one.total, one.repeated, one.noisy) == (4, 2, 4)  # 20 % foreign CPU: kept, but not clean
    assert len(one.raw) == 6
    assert one.finished("ping", [contender], 4) is None
    assert one.finished("http", [contender, types.SimpleNamespace(name="b")], 4) is None


def test_tls_names_its_whole_group_and_nothing_else():
    one = scenarios.Run(None, types.SimpleNamespace(only=["tls"]), None)
    assert all(one.wants(name) == group.startswith("tls") for group, names in scenarios.GROUPS.items() for name in names)
    part = scenarios.Run(None, types.SimpleNamespace(only=["tls_close"]), None)
    assert [name for name in scenarios.GROUPS["tls"] if part.wants(name)] == ["tls_close"]


def test_instructions_are_those_of_one_thread_of_each_proxy(monkeypatch):
    counts = {10: {"near.out-01": 500, "near.out-02": 9000, "far.out-01": 400, "far.out-02": 5000},
              20: {"near.out-01": 600, "near.out-02": 19000, "far.out-01": 400, "far.out-02": 10000}}
    monkeypatch.setattr(bodies, "instructions", lambda kind, port, folder, count, *_: counts[count])
    assert bodies.instructions_per_request(None, 1, None, 1, few=10, many=20) == (1500, 1510)


def report_of(cost, secured):
    series = {scenario: {name: load.Series([piece(cost=of) for of in costs]) for name, costs in cost.items()}
              for scenario in ("tls_http", "tls_one_http", "tls_close", "tls_one_close", "tls_bulk")}
    return table.Report(types.SimpleNamespace(series=series, secured=secured), None, None, None)


def test_bars_of_tls_are_judged_against_the_peer_that_they_name():
    bars = list(report_of({"Loam": [8.4], "nginx": [10], "HAProxy": [10.2]}, {"Loam": (9, 11), "HAProxy": (10, 10)}).tls_bars())
    assert [bar.split("|")[3].strip() for bar in bars] == ["met"] * 5 + ["met", "missed"]
    bars = list(report_of({"Loam": [8.6], "nginx": [10], "HAProxy": [10.2]}, {}).tls_bars())
    assert [bar.split("|")[3].strip() for bar in bars] == ["missed"] * 4 + ["met"]


def test_envoy_contends_where_its_binary_is_named(monkeypatch):
    monkeypatch.delenv("PEER_ENVOY", raising=False)
    assert "Envoy" not in hops.contending()
    monkeypatch.setenv("PEER_ENVOY", "/opt/envoy")
    assert list(hops.contending()) == ["Loam", "Loam, not observing", "HAProxy", "nginx", "Envoy"]
