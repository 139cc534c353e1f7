"""Changing a mesh by command line without fear: a file of what is wanted, previews that name people, stale changes, backup and restore."""
import json
import os
import signal
import subprocess

import pytest
from conftest import loam_in
from loam import programs
from processes import wait_until
from test_flags import call, name_of_orders

ONE, CONFLICT, NOT_READY = 1, 4, 5


def cli(loam, *words):
    """One run of `loam`: (status, stdout, stderr)."""
    done = subprocess.run([programs() / "loam", *map(str, words)], env=loam.cli_environment(), capture_output=True, text=True, timeout=90)
    return done.returncode, done.stdout, done.stderr


def body(export):
    """An export without the two lines that say when it was made."""
    return export.split("\n", 2)[2]


@pytest.fixture
def steered(lab):
    with loam_in(lab, "outbound") as loam:
        call(lab, 5)
        yield loam, name_of_orders(loam)


def test_a_file_is_looked_at_applied_and_then_in_effect(lab, steered, tmp_path):
    loam, service = steered
    file = tmp_path / "mesh.yaml"
    status, exported, _ = cli(loam, "export")
    assert status == 0 and service not in exported
    file.write_text(f'flags:\n  "{service}":\n    observe: {{stage: sampled, percent: 25}}\nservices:\n  "{service}": {{owner: team-a}}\n')
    assert cli(loam, "diff", "-f", file)[0] == ONE
    status, said, _ = cli(loam, "apply", "-f", file, "--dry-run")
    assert status == 0 and "carried by 1 proxy: client" in said, said
    assert loam.get(f"/v1/services/{service}/features/observe")["stage"] == "on"
    status, _, err = cli(loam, "apply", "-f", file, "--reason", "CHG-1", "--wait")
    assert status == 0 and "in effect at 1 proxies" in err, err
    assert cli(loam, "diff", "-f", file)[0] == 0
    status, said, _ = cli(loam, "apply", "-f", file, "--reason", "CHG-1", "-o", "json")
    assert status == 0 and json.loads(said)["changed"] is False
    file.write_text(file.read_text().replace("stage: sampled", "stgae: sampled"))
    status, _, err = cli(loam, "apply", "-f", file, "--reason", "CHG-2")
    assert status == 2 and f"{file}:3:15: " in err and "did you mean stage?" in err, err


def test_a_preview_names_the_callers_and_leaves_nothing_open(lab, steered):
    loam, service = steered
    callers = {edge["source"] for edge in loam.get("/v1/graph")["edges"] if edge["target"] == service}
    words = ["flag", "preview", service, "rate_limit", "enforce", "--settings", '{"connections": {"total": 100}}']
    def named():
        status, said, err = cli(loam, *words)
        return status == 0 and all(caller in said for caller in callers) and "goes in" in said
    wait_until(named, 30, "a preview that names the callers")
    said = json.loads(cli(loam, *words, "-o", "json")[1])
    reach = said["flags"][0]["reach"]
    assert set(reach["switches"]["in"]["names"]) == callers
    assert sum(call["connections"] for call in reach["callers"]) >= 5
    assert reach["blast_radius"]["proxies"]["names"] == ["client"]
    assert reach["blast_radius"]["lacking"]["names"] == []
    zones = '{"locality": {"prefer": "zone"}}'
    unknown = json.loads(cli(loam, "flag", "preview", service, "balancing", "on", "--settings", zones, "-o", "json")[1])
    assert unknown["flags"][0]["reach"]["blast_radius"]["lacking"]["names"] == ["client"]  # no proxy carries it out yet, and it is said
    assert loam.get("/v1/changes")["changes"] == []


def test_of_two_kept_changes_the_second_is_stale_and_says_what_moved(lab, steered):
    loam, service = steered
    kept = [json.loads(cli(loam, "flag", "preview", service, "observe", "sampled", "--percent", percent, "--keep", "-o", "json")[1])
            for percent in (10, 20)]
    assert cli(loam, "change", "apply", kept[0]["id"], "--hash", kept[0]["hash"], "--reason", "the first")[0] == 0
    status, _, err = cli(loam, "change", "apply", kept[1]["id"], "--hash", kept[1]["hash"], "--reason", "the second")
    assert status == CONFLICT and "sampled 10 %" in err and "the first" in err, err
    assert cli(loam, "change", "discard", kept[1]["id"])[0] == 0
    status, _, err = cli(loam, "flag", "set", service, "timeouts", "on", "--settings", '{"request": "5s"}', "--reason", "too early")
    assert status == NOT_READY and "serve" in err, err
    history = cli(loam, "flag", "history", service, "observe")[1]
    assert "the first" in history and "-> sampled" in history


def test_a_backup_is_restored_and_the_proxy_takes_it(lab, steered, tmp_path):
    loam, service = steered
    cli(loam, "flag", "set", service, "observe", "sampled", "--percent", "33", "--reason", "before", "--wait")
    wanted = body(cli(loam, "export")[1])
    backup = tmp_path / "control.backup"
    status, said, err = cli(loam, "backup", backup)
    assert status == 0 and said.strip() == str(backup), err
    assert backup.stat().st_mode & 0o777 == 0o600
    cli(loam, "flag", "set", service, "observe", "off", "--reason", "after", "--wait")
    status, _, err = cli(loam, "restore", backup)
    assert status == CONFLICT and err.count("\n") == 1, err
    loam.stop_controller(signal.SIGKILL)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(backup.read_bytes()[:5000] + os.urandom(3000))
    status, _, err = cli(loam, "restore", damaged)
    assert status == 1 and err.count("\n") == 1 and str(damaged) in err, err
    assert cli(loam, "restore", backup)[0] == 0
    loam.start_controller(lab.second)
    assert body(cli(loam, "export")[1]) == wanted
    def took_it():
        proxies = loam.get("/v1/fleet")["proxies"]
        return proxies and not proxies[0]["drift"] and not proxies[0]["silent"]
    wait_until(took_it, 60, "the proxy on the restored controller's snapshot")
    # A restored controller is the mesh's from then on.
    status, _, err = cli(loam, "flag", "set", service, "observe", "on", "--reason", "again", "--wait")
    assert status == 0, err
    assert "whole" in cli(loam, "audit", "verify")[1]
