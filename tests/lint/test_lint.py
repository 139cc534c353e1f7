"""The lint scripts find what they are for, and nothing else."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check_layers  # noqa: E402
import check_names  # noqa: E402
import check_sizes  # noqa: E402


@pytest.mark.parametrize("source, target, fine", [
    ("proxy/io", "proxy/base", True), ("proxy/base", "proxy/io", False), ("proxy/tls", "proxy/http", False),
    ("proxy/server", "proxy/guard", True), ("proxy/relay", "proxy/guard", False), ("proxy/guard", "proxy/relay", False),
    ("proxy/wire", "proxy/server", False), ("proxy/server", "shadow/decode", False), ("shadow/observe", "proxy/server", True),
    ("shadow/observe", "shadow/decode", True), ("shadow/decode", "shadow/observe", False), ("rollout/api", "db", False),
    ("db", "rollout/api", True)])
def test_layers_run_from_left_to_right(source, target, fine):
    assert check_layers.allowed(source, target) == fine


def test_a_folder_without_a_place_is_reported(tmp_path):
    file = tmp_path / "proxy" / "nowhere" / "thing.h"
    file.parent.mkdir(parents=True)
    file.write_text('#include "proxy/base/clock.h"\n#include "proxy/io/loop.h"\n')
    assert [line.split(":")[1] for line in check_layers.violations(tmp_path)] == ["1", "2"]


def test_functions_of_the_same_name_in_files_that_compile_together_are_found(tmp_path):
    folder = tmp_path / "tests" / "a"
    folder.mkdir(parents=True)
    one = "namespace {\n\nstd::string textOf(int x) {\n  return helper(x);\n}\n\n}  // namespace\nint outside(int) { return 1; }\n"
    for name in ("x.cpp", "y.cpp", "z.cpp"):
        (folder / name).write_text(one)
    (folder / "CMakeLists.txt").write_text("loam_test(a_test\n  SOURCES x.cpp y.cpp z.cpp\n  LINKS loam_a\n  APART z.cpp)\n")
    assert list(check_names.violations(tmp_path)) == [
        "tests/a/x.cpp: textOf() of an unnamed namespace is in y.cpp of a_test too: rename one, or list it as APART"]


def checked(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return list(check_sizes.check(path))


def test_long_functions_are_found_wherever_they_stand(tmp_path):
    body = "  call();  // }\n" * 60
    text = f'namespace a {{\nclass B {{\n void c(int d) const {{\n{body} }}\n}};\nvoid e() {{ const char* f = "{{"; }}\n}}\n'
    assert checked(tmp_path, "b.cpp", text) == [(3, "a function of 62 lines, at most 60")]


def test_initialisers_lambdas_and_raw_strings_do_not_confuse_it(tmp_path):
    text = 'A::A(int b) : b_{b}, c_(1) {\n auto d = [&](int e) { return e; };\n f(R"({{{)");\n}\n' + "int g;\n" * 80
    assert checked(tmp_path, "a.cpp", text) == []


def test_long_files_are_found(tmp_path):
    assert checked(tmp_path, "a.h", "int a;\n" * 401) == [(401, "401 lines, at most 400")]


@pytest.mark.parametrize("declaration, found", [
    ("class Manager {", 1), ("struct RouteHelper {", 1), ("enum class Info {", 1), ("using Impl = int;", 1), ("class DataSource {", 0),
    ("// class Manager", 0), ("struct HostData {", 0), ("class Poco::Util::Server;", 0)])
def test_names_that_say_nothing_are_found(tmp_path, declaration, found):
    assert len(checked(tmp_path, "a.h", declaration + "\n")) == found


def test_file_names_that_say_nothing_are_found(tmp_path):
    assert len(checked(tmp_path, "string_utils.h", "")) == 1
    assert len(checked(tmp_path, "base.h", "")) == 1
    assert len(checked(tmp_path, "base64.h", "")) == 0
