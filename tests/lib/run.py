# SPDX-License-Identifier: Apache-2.0
"""Builds, runs every test, counts. Called by scripts/test, which says how.

What counts: each case of a program that speaks TAP, each other program once, each case of pytest. A case that was
skipped failed. A program that crashed, timed out or lost its plan failed, whatever its cases said before. A build
that broke is one failure. The last line is always `N passed, N failed`.
"""

import argparse
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SANITIZED = ['-Db_sanitize=address,undefined']
# The first one with sanitizers also serves integration. clang's own sanitizers are in the program, not in a library.
VARIANTS = {
    'gcc-asan': ('gcc', SANITIZED),
    'gcc': ('gcc', ['-Db_sanitize=none']),
    'clang': ('clang', ['-Db_sanitize=none']),
    'clang-asan': ('clang', SANITIZED + ['-Db_lundef=false']),
}
INTEGRATION_SECONDS = 2400
WORKERS = 4  # tests mostly wait: for timers of BGP, for deadlines
TAIL = 60


class Tally:
    """What passed and failed so far, with the words for each failure at once."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def good(self, count=1):
        self.passed += count

    def bad(self, name, text='', count=1):
        self.failed += count
        print(f'\n--- FAILED: {name}')
        lines = text.rstrip().splitlines()
        if len(lines) > TAIL:
            print(f'    ... {len(lines) - TAIL} lines before')
        for line in lines[-TAIL:]:
            print('    ' + line)
        sys.stdout.flush()


def environment():
    """The same on every machine: no foreign python or flags first, sanitizers that stop at the first finding."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(('ETCD', 'CALICO_'))}
    for name in ('CFLAGS', 'CPPFLAGS', 'LDFLAGS', 'CC_LD', 'PYTHONPATH', 'PYTHONHOME', 'MESON_TESTTHREADS',
                 'PEERAGE_STORE', 'PEERAGE_TEST_ETCD', 'NODENAME', 'DATASTORE_TYPE', 'NO_COLOR'):
        env.pop(name, None)
    env.update({
        'PATH': '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin',
        'LC_ALL': 'C.UTF-8',
        'PYTHONDONTWRITEBYTECODE': '1',
        'PYTEST_DISABLE_PLUGIN_AUTOLOAD': '1',
        'ASAN_OPTIONS': 'detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1',
        'UBSAN_OPTIONS': 'halt_on_error=1:abort_on_error=1:print_stacktrace=1',
        # CI checks out as one user and runs as another.
        'GIT_CONFIG_COUNT': '1', 'GIT_CONFIG_KEY_0': 'safe.directory', 'GIT_CONFIG_VALUE_0': '*',
    })
    return env


def capture(command, env):
    done = subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors='replace')
    return done.returncode, done.stdout


def build_is_foreign(folder):
    """A build folder that came along with a copied tree still points at the old one."""
    try:
        with open(os.path.join(folder, 'meson-info', 'meson-info.json'), encoding='utf-8') as file:
            return json.load(file)['directories']['source'] != ROOT
    except (OSError, ValueError, KeyError):
        return os.path.isdir(folder)


def build(variant, env, tally):
    compiler, options = VARIANTS[variant]
    folder = os.path.join(ROOT, 'build', variant)
    started = time.monotonic()
    print(f'building {variant:<10} ', end='', flush=True)
    if build_is_foreign(folder):
        shutil.rmtree(folder)
    rc, output = 0, ''
    if not os.path.isdir(folder):
        rc, output = capture(['meson', 'setup', folder, '--buildtype=debugoptimized', *options],
                             {**env, 'CC': compiler})
    if rc == 0:
        rc, output = capture(['ninja', '-C', folder, '-j2'], env)
    print(f'{time.monotonic() - started:6.1f} s' if rc == 0 else 'broken', flush=True)
    if rc != 0:
        tally.bad(f'build {variant}', output)
    return rc == 0


def read_cases(path):
    """Cases of each TAP program in meson's JUnit file: {program: [(case, how)]}; how is '' for a pass."""
    cases = {}
    for suite in xml.parse(path).getroot().iter('testsuite'):
        for case in suite.iter('testcase'):
            # 'peerage.peerage:unit / ip' for a case of a program; a program without cases has no ' / ' here.
            _, slash, program = case.get('classname', '').rpartition(' / ')
            how = next((kind for kind in ('failure', 'error', 'skipped') if case.find(kind) is not None), '')
            if slash:
                cases.setdefault(program, []).append((case.get('name', '?'), how))
    return cases


def meson_test(variant, env, tally, lint):
    folder = os.path.join(ROOT, 'build', variant)
    logs = os.path.join(folder, 'meson-logs')
    for old in glob.glob(os.path.join(logs, 'testlog.*')):
        os.remove(old)
    started = time.monotonic()
    before = tally.passed
    command = ['meson', 'test', '-C', folder, '--no-rebuild', '--num-processes', '2']
    rc, output = capture(command + ([] if lint else ['--no-suite', 'lint']), env)
    try:
        cases = read_cases(os.path.join(logs, 'testlog.junit.xml'))
        with open(os.path.join(logs, 'testlog.json'), encoding='utf-8') as file:
            programs = [json.loads(line) for line in file if line.strip()]
    except (OSError, ValueError, xml.ParseError):
        tally.bad(f'{variant}: meson test left no results', output)
        return
    accounted = True
    for program in programs:
        name = program['name'].rpartition(' / ')[2]
        listed = cases.get(name, [])
        wrong = [case for case in listed if case[1]]
        tally.good(len(listed) - len(wrong))
        if program['result'] in ('OK', 'EXPECTEDFAIL') and not wrong:
            if not listed:
                tally.good()
            continue
        accounted = False
        title = f"{variant}: {name}: {program['result']}, exit {program['returncode']}"
        names = '\n'.join(f'{how}: {case}' for case, how in wrong)
        tally.bad(title, '\n'.join([names, program.get('stdout') or '', program.get('stderr') or '']).strip('\n'),
                  max(len(wrong), 1))
    if not programs:
        tally.bad(f'{variant}: no test ran', output)
    elif rc != 0 and accounted:
        tally.bad(f'{variant}: meson test ended with {rc}', output)
    print(f'testing  {variant:<10} {time.monotonic() - started:6.1f} s   {tally.passed - before} passed', flush=True)


def run_pytest(command, env):
    """pytest in our terminal; on Ctrl-C it gets the time to take its lab down."""
    child = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL)
    try:
        return child.wait(INTEGRATION_SECONDS)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        return -1
    except KeyboardInterrupt:
        child.wait()
        raise


def integration(env, tally, extra):
    report = os.path.join(ROOT, 'build', 'integration.xml')
    os.makedirs(os.path.dirname(report), exist_ok=True)
    if os.path.exists(report):
        os.remove(report)
    print('integration', flush=True)
    command = ['/usr/bin/python3', '-B', '-m', 'pytest', '-p', 'no:cacheprovider', '-p', 'xdist.plugin',
               '-n', str(WORKERS), '--dist', 'loadgroup', '-q', '--tb=short', '-rfEs',
               f'--junitxml={report}', *extra, 'tests/integration']
    rc = run_pytest(command, {'PEERAGE_BIN': os.path.join(ROOT, 'build', 'gcc-asan', 'src'), **env})
    try:
        found = list(xml.parse(report).getroot().iter('testcase'))
    except (OSError, xml.ParseError):
        tally.bad('integration: pytest left no results', f'exit {rc}')
        return
    wrong = 0
    for case in found:
        how = next((kind for kind in ('failure', 'error', 'skipped') if case.find(kind) is not None), '')
        if not how:
            tally.good()
            continue
        wrong += 1
        # pytest has printed the rest above.
        tally.bad(f"integration: {case.get('classname')}::{case.get('name')}: {how}",
                  (case.find(how).get('message') or '').splitlines()[0] if case.find(how).get('message') else '')
    if rc != 0 and not wrong:
        tally.bad(f'integration: pytest ended with {rc}')


def main():
    parser = argparse.ArgumentParser(prog='scripts/test')
    parser.add_argument('part', nargs='?', choices=['unit', 'integration'])
    parser.add_argument('--quick', action='store_true', help='gcc with ASan and UBSan only')
    options, extra = parser.parse_known_args()
    if extra and options.part != 'integration':
        parser.error(f"unknown: {' '.join(extra)} (only `integration` takes options of pytest)")

    env = environment()
    tally = Tally()
    started = time.monotonic()
    only_one = options.quick or options.part == 'integration'
    built = {}
    try:
        for variant in ['gcc-asan'] if only_one else VARIANTS:
            built[variant] = build(variant, env, tally)
            if built[variant] and options.part != 'integration':
                meson_test(variant, env, tally, lint=variant == 'gcc-asan')
        if options.part != 'unit':
            if built['gcc-asan']:
                integration(env, tally, extra)
            else:
                tally.bad('integration: nothing to run, gcc-asan did not build')
    except KeyboardInterrupt:
        tally.bad('interrupted')
    print(f'\n{time.monotonic() - started:.0f} s')
    print(f'{tally.passed} passed, {tally.failed} failed')
    return 1 if tally.failed else 0


if __name__ == '__main__':
    sys.exit(main())
