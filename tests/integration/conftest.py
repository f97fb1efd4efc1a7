# SPDX-License-Identifier: Apache-2.0
"""The lab as a fixture: one per test, gone after it; what a failed test leaves is in its report. A Fabric is shared by
the tests of a module: after each it is judged and cleared."""

import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'lib'))

from fabric import Fabric  # noqa: E402  pylint: disable=wrong-import-position
from lab import Lab  # noqa: E402  pylint: disable=wrong-import-position


def pytest_configure():
    def interrupt(*_):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, interrupt)


def pytest_collection_modifyitems(items):
    """Several workers take tests one by one, but those that share a lab of their module stay together."""
    for item in items:
        shared = [defs[-1] for defs in item._fixtureinfo.name2fixturedefs.values() if defs[-1].scope == 'module']
        if shared:
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    labs = [value for value in (getattr(item, 'funcargs', None) or {}).values() if isinstance(value, (Lab, Fabric))]
    if report.failed and call.when != 'setup':
        item.failed = True
        for lab in labs:
            report.sections.append(('lab', lab.dump()))


@pytest.fixture(autouse=True)
def oracles(request):
    yield
    for fabric in [value for value in request.node.funcargs.values() if isinstance(value, Fabric)]:
        try:
            if not getattr(request.node, 'failed', False):
                fabric.judge()
        finally:
            fabric.clear()


@pytest.fixture
def lab():
    with Lab() as made:
        yield made
        findings = made.findings()
    assert not findings, findings
