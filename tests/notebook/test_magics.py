"""``%grad`` and ``%%grad`` in an IPython."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from diffmagic import Derivative, DiffmagicError, Program
from diffmagic.notebook.render import text_of

Run = Callable[[str], Any]
Output = Callable[[str], str]

SIGMOID = "%%grad w=0.5, x=2.0{}\n1 / (1 + np.exp(-w * x))"


def test_gradient(run: Run) -> None:
    found = run(SIGMOID.format(""))
    assert isinstance(found, Derivative)
    assert found.value == pytest.approx(0.7310585786300049)
    assert found.derivative == pytest.approx({"w": 0.3932238664829637, "x": 0.09830596662074093})
    assert (found.method, found.order, found.calls) == ("reverse", 1, 1)
    assert isinstance(found.program, Program)
    assert [variable.name for variable in found.program.inputs] == ["w", "x"]
    assert found.check is not None
    assert (found.check.verdict, found.check.digits) == ("digits", 6)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_mode(run: Run, mode: str) -> None:
    found = run(SIGMOID.format(f" --mode {mode}"))
    assert (found.method, found.why) == (mode, "as asked")
    assert found.derivative == pytest.approx({"w": 0.3932238664829637, "x": 0.09830596662074093})


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
def test_order(run: Run, mode: str) -> None:
    found = run(f"%%grad x=2.0 --order 3 --mode {mode}\nx**4")
    assert found.derivative == {"x": {"x": {"x": 48.0}}}
    assert [(entry.wrt, entry.value) for entry in found.entries] == [(("x", "x", "x"), 48.0)]
    assert found.check.verdict == "digits"


def test_hessian(run: Run) -> None:
    found = run("%%grad v=np.array([1.0, 2.0]), s=3.0 --hessian\nv[0]**2 * v[1] * s")
    np.testing.assert_array_equal(found.derivative["v"]["v"], [[12.0, 6.0], [6.0, 0.0]])
    np.testing.assert_array_equal(found.derivative["v"]["s"], [4.0, 1.0])
    np.testing.assert_array_equal(found.derivative["s"]["v"], [4.0, 1.0])
    assert found.derivative["s"]["s"] == 0.0
    assert found.check.digits == 6


def test_jacobian(run: Run) -> None:
    found = run("%%grad x=np.array([1.0, 2.0])\ny = x**2 * x[1]")
    np.testing.assert_array_equal(found.derivative["x"], [[4.0, 1.0], [0.0, 12.0]])


def test_seeds(run: Run) -> None:
    along = run("%%grad x=2.0, y=1.0 --mode forward --seed [1, 2]\nx * 2 * y")
    assert (along.kind, along.derivative) == ("tangent", 10.0)
    named = run("%%grad x=2.0, y=1.0 --mode forward --seed {'y': 1}\nx * 2 * y")
    assert named.derivative == 4.0
    back = run("%%grad x=np.array([1.0, 2.0]) --mode reverse --seed [1, 0]\nx**2 * x[1]")
    assert back.kind == "cotangent"
    np.testing.assert_array_equal(back.derivative["x"], [4.0, 1.0])
    two = run("%%grad x=np.array([1.0, 2.0]) --mode reverse --seed ([1, 0], 3) --trace\na, b = x * 2, x[0] * x[1]")
    np.testing.assert_array_equal(two.derivative["x"], [8.0, 3.0])
    assert {each.check.verdict for each in (along, named, back, two)} == {"digits"}


def test_complex_results_of_real_inputs_are_compared(run: Run) -> None:
    found = run("%%grad x=2.0\n(1 + 2j) * x**2")
    assert found.derivative == {"x": 4 + 8j}
    assert found.check.digits == 6
    assert run("%%grad x=2.0 --mode reverse --seed 1j\n1j * x").check.digits == 6


def test_many_numbers_are_checked_along_directions(run: Run) -> None:
    found = run("%%grad v=np.linspace(0, 1, 1000)\nnp.sum(np.sin(v) * v)")
    assert (found.check.verdict, found.check.digits) == ("digits", 6)


def test_def_without_values_is_defined_with_its_gradient(output: Output, shell: InteractiveShell) -> None:
    text = output("%%grad\ndef loss(w, x, k=2.0):\n    return k * (w * x)**2")
    assert text == "loss is defined, and grad_loss(w, x): its gradient with respect to w.\n"
    assert shell.user_ns["loss"](1.0, 2.0) == 8.0
    assert shell.user_ns["grad_loss"](1.0, 2.0) == 16.0
    text = output("%%grad --wrt w,x\ndef loss(w, x):\n    return (w * x)**2")
    assert "with respect to w, x" in text
    assert shell.user_ns["grad_loss"](1.0, 2.0) == (8.0, 4.0)
    assert output("%%grad --quiet\ndef loss(w):\n    return w") == ""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--trace", "--trace needs a point\n  Instead: %%grad w=1.0 --trace"),
        ("--mode forward", "--mode needs a point\n  Instead: %%grad w=1.0 --mode forward"),
        ("--digits 3", "--digits needs a point"),
        ("--wrt v", "Instead: --wrt w"),
    ],
)
def test_def_without_values_has_no_point(run: Run, line: str, message: str) -> None:
    with pytest.raises(DiffmagicError) as caught:
        run(f"%%grad {line}\ndef loss(w):\n    return w")
    assert message in str(caught.value)


def test_def_takes_what_is_missing_from_the_notebook(run: Run, shell: InteractiveShell) -> None:
    shell.user_ns["x"] = 2.0
    assert run("%%grad w=1.0\ndef loss(w, x, k=3.0):\n    return k * w**2 * x").derivative == {"w": 12.0}


def test_line_form(run: Run, shell: InteractiveShell) -> None:
    run("def loss(w, x=2.0):\n    return (w * x)**2\nw0 = 1.0")
    assert run("%grad loss w=w0").derivative == {"w": 8.0}
    assert run("d = %grad loss w=w0") is None
    assert shell.user_ns["d"].derivative == {"w": 8.0}
    assert run("%grad 'x**2' x=3.0").derivative == {"x": 6.0}
    assert run("%grad x**2 + 1 x=3.0").derivative == {"x": 6.0}
    assert run("%grad x x=3.0").derivative == {"x": 1.0}
    shell.user_ns["w"] = 3.0
    assert run("%grad loss").derivative == {"w": 24.0}


def test_line_is_not_expanded(run: Run, shell: InteractiveShell) -> None:
    shell.user_ns["x0"] = 3.0
    assert run("%grad p['$x0'] p={'$x0': 2.0}").derivative == {"p": {"$x0": 1.0}}


@pytest.mark.parametrize(
    "cell", ["%%grad x=2.0;\nx**2", "%%grad x=2.0\nx**2;", "%%grad x=2.0 --quiet\nx**2", "%grad 'x**2' x=2.0;"]
)
def test_silence(output: Output, cell: str) -> None:
    assert output(cell) == ""


def test_out_keeps_the_result(output: Output, shell: InteractiveShell) -> None:
    assert output("%%grad x=2.0 -o d --quiet\nx**2") == ""
    assert shell.user_ns["d"].derivative == {"x": 4.0}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--order 0", "order 0 is not a positive number"),
        ("--hessian --order 3", "--hessian is the derivative of order 2"),
        ("--seed 1", "--mode forward for a direction, --mode reverse for weights"),
        ("--seed 1 --order 2 --mode forward", "a seed goes with the first derivative"),
        ("--mode forward --seed [1,2,3]", "Instead: --seed [1, 0]"),
        ("--mode forward --seed {'z':1}", "the seed's z is no input\n  Instead: a dict by input: x, y"),
        ("--mode forward --seed [[1, 2], 3]", "the seed for x is a list of 2, and x is one number"),
        ("--mode forward --seed [1j, 0]", "the seed for x is complex, and x is real"),
        ("--mode reverse --seed 'a'", "the seed for the result is a string, and the result is one number"),
        ("--digits 0", "0 digits"),
        ("-o 2d", "2d is not a name"),
        ("-o class", "class is not a name"),
    ],
)
def test_options_that_do_not_fit(run: Run, line: str, message: str) -> None:
    with pytest.raises(DiffmagicError) as caught:
        run(f"%%grad x=1.0, y=2.0 {line}\nx * y")
    assert message in str(caught.value)


def test_config(output: Output, shell: InteractiveShell) -> None:
    assert "DiffMagic.digits" in output("%config DiffMagic")
    output("%config DiffMagic.digits = 3\n%config DiffMagic.mode = 'forward'")
    text = output("%grad 'np.sin(x)' x=1.0")
    assert "∂/∂x = 0.54\n" in text
    assert "Forward mode (as asked)" in text


def test_numpys_print_options_count(run: Run) -> None:
    with np.printoptions(precision=3, suppress=True, threshold=5):
        text = text_of(run("%%grad v=np.array([1e-9, 2.0])\nnp.sum(np.exp(v) / 3)"))
        assert "value = 2.8" in text
        assert "∂/∂v = [0.333 2.463]" in text
        assert "..." in text_of(run("%%grad v=np.ones(7)\nnp.sum(v**2)"))
        assert "2.79635" in text_of(run("%%grad v=np.array([1e-9, 2.0]) --digits 7\nnp.sum(np.exp(v) / 3)"))


def test_help(shell: InteractiveShell) -> None:
    found = shell.object_inspect("%grad")
    for flag in ("--wrt", "--mode", "--order", "--hessian", "--seed", "--trace", "--digits", "--out", "--quiet"):
        assert flag in found["docstring"]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("%%grad --tr", ["--trace"]),
        ("%grad loss w=1 --mo", ["--mode"]),
        ("%%grad --mode ", ["auto", "both", "forward", "reverse"]),
        ("%%grad x=1 --mode=f", ["forward"]),
        ("%%grad --wrt f", []),
        ("d = %grad loss -", None),
        ("x = 1 --tr", []),
    ],
)
def test_completion(shell: InteractiveShell, text: str, options: list[str] | None) -> None:
    with provisionalcompleter():
        matches = [each.text for each in shell.Completer.completions(text, len(text)) if each.type == "option"]
    assert matches == options if options is not None else {"-o", "--trace"} <= set(matches)


# Errors.


def test_error_of_ours_is_one_message(output: Output) -> None:
    assert output("r = np.zeros(2)\n") == ""
    assert output("%%grad x=2.0\ny = x + 1\nr[0] = y\ny") == (
        "line 3: r[0] = y\n"
        "a traced value cannot be stored in a plain array: its derivative would be lost\n"
        "  Instead: an array of floats that is made here: np.zeros(n), or a copy, r = np.array(r, float)\n"
    )


def test_error_of_the_user_shows_only_the_users_frames(output: Output) -> None:
    output("def helper(a):\n    return a / 0")
    text = output("%%grad x=2.0\n# a comment\ny = x + 1\nhelper(y)")
    assert "line 4" in text
    assert "----> 4 helper(y)" in text
    assert "in helper(a)" in text
    assert "ZeroDivisionError: float division by zero" in text
    assert "diffmagic" not in text


def test_interrupt_shows_only_the_users_frames(output: Output, shell: InteractiveShell) -> None:
    text = output("%%grad x=2.0\nnew = x\nraise KeyboardInterrupt\nx")
    assert "----> 3 raise KeyboardInterrupt" in text
    assert "diffmagic" not in text
    assert "new" not in shell.user_ns


def test_syntax_error_points_at_the_line(output: Output) -> None:
    text = output("%%grad x=2.0\ny = x\nz = (y +")
    assert "line 3\n    z = (y +" in text
    assert "SyntaxError: '(' was never closed" in text
    assert "Traceback" not in text
    assert "SyntaxError: 'await' outside function" in output("%%grad x=2.0\nawait x")


def test_warnings_name_the_users_line(shell: InteractiveShell) -> None:
    with pytest.warns(np.exceptions.ComplexWarning) as caught:
        shell.run_cell("%%grad x=np.ones(2) --quiet\n# a comment\ny = np.astype(x * 1j, float)\nnp.sum(y)")
    (warning,) = caught
    assert (warning.lineno, "diffmagic" in warning.filename) == (3, False)


def test_an_error_after_the_run_leaves_nothing(run: Run, shell: InteractiveShell) -> None:
    with pytest.raises(DiffmagicError, match=r"the seed for the result is a list of 3, and the result is an array"):
        run("%%grad x=np.zeros(2) --mode reverse --seed [1, 2, 3]\nnew = x * 2\nnew")
    assert "new" not in shell.user_ns


# Loading.


def leftovers(shell: InteractiveShell) -> list[Any]:
    assert shell.display_formatter is not None
    magics = [name for table in shell.magics_manager.magics.values() for name in table if name == "grad"]
    types = [
        kind
        for formatter in shell.display_formatter.formatters.values()
        for kind in formatter.type_printers
        if kind.__module__.startswith("diffmagic")
    ]
    configurables = [each for each in shell.configurables if type(each).__name__ == "DiffMagic"]
    registered = [name for name in shell.magics_manager.registry if name == "DiffMagic"]
    return [*magics, *types, *configurables, *registered, *shell.Completer.custom_matchers]


def test_unload_leaves_nothing_behind(shell: InteractiveShell) -> None:
    loaded = len(leftovers(shell))
    for _ in range(2):
        shell.run_line_magic("reload_ext", "diffmagic")
        assert len(leftovers(shell)) == loaded
    for _ in range(2):
        shell.run_line_magic("unload_ext", "diffmagic")
        assert leftovers(shell) == []
        shell.run_line_magic("load_ext", "diffmagic")
        assert len(leftovers(shell)) == loaded
