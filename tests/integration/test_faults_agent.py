# SPDX-License-Identifier: Apache-2.0
"""What happens to peerd itself, and to its file: killed, started twice, out of disk, edited by others."""

import os
import random
import signal

import pytest

from faults import BASE, World, address, bgppeer, mounted
from lab import poll
from peerage import EMPTY_CONF, HEAD, program

FOREIGN = f'''
router id 10.0.0.1;
timeformat protocol iso long ms;
protocol device {{}}
protocol bgp mine {{
	local 10.0.0.1 as 64512;
	neighbor {address(1)} as 65011;
	multihop;
	connect delay time 0;
	ipv4 {{ import all; export none; }};
}}
'''


def fill(folder):
    """No byte more goes on this file system; the file to remove."""
    ballast = os.path.join(folder, 'ballast')
    with pytest.raises(OSError), open(ballast, 'wb', buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return ballast


def end_kill(peerd):
    peerd.kill()


def end_term(peerd):
    assert peerd.stop() == 0


@pytest.mark.parametrize('end', [end_kill, end_term])
def test_restart_sends_no_configure(lab, end):
    w = World(lab, 2)
    with w.untouched(configured=False):
        end(w.peerd)
        w.rest(1)
        w.restart()
        w.rest()
        w.converged()
    with w.untouched(2):
        w.change(1, 71)
        w.changed(1, 71)


def test_change_while_away_is_seen_at_start(lab):
    w = World(lab, 2)
    w.peerd.kill()
    with w.untouched(2):
        w.change(1, 71)
        w.restart()
        w.changed(1, 71)


def test_killed_in_the_middle_of_an_apply(lab):
    """At random moments between the change and its confirmation, 15 times."""
    w = World(lab, 2)
    chance = random.Random(4711)
    with w.untouched(2):
        for number in range(15):
            w.change(1, 100 + number)
            poll(lambda: False, chance.uniform(0, 0.12))
            w.peerd.kill()
            w.restart()
            w.changed(1, 100 + number)
    w.change(2, 99)
    w.changed(2, 99)


@pytest.mark.parametrize('moment', ['candidate', 'unconfirmed'])
def test_killed_at_a_known_moment(lab, moment):
    """SIGSTOP of BIRD or of peerd makes the moment long enough to hit it."""
    w = World(lab, 2)
    with w.untouched(2):
        if moment == 'candidate':
            w.bird.pause()
            w.change(1, 71)
            lab.wait(lambda: os.path.exists(w.bird.conf + '.candidate'), 5, 'the candidate is being checked')
            w.peerd.kill()
            w.bird.resume()
        else:
            w.peerd.kill()
            w.change(1, 71)
            before = w.runs()
            for _ in range(200):
                w.restart()
                lab.wait(lambda: 'unconfirmed' in w.bird.birdc('configure status') or w.runs() != before, 10, 'runs')
                w.peerd.pause()
                if 'unconfirmed' in w.bird.birdc('configure status'):
                    break
                before = w.runs()
                w.peerd.kill()
                w.change(1, 72 if '71' in w.block(1) else 71)
            w.peerd.kill()
            assert 'unconfirmed' in w.bird.birdc('configure status')
        w.restart()
        w.converged()


def test_second_peerd_on_one_file(lab):
    w = World(lab, 1)
    with w.untouched(configured=False):
        rc, _, err = w.node.run(program('peerd'), '--store', w.peerd.store, '--node', 'n1', '--bird-socket',
                                w.bird.socket, '--bird-conf', w.bird.conf, check=False)
        assert rc == 5
        assert err == f'peerd: another peerd has {w.bird.conf}\n'
        w.converged()


def test_lock_goes_with_its_owner(lab):
    w = World(lab, 1)
    w.peerd.kill()
    w.restart()
    w.converged()


# ---- the file

def test_foreign_configuration_is_held_then_adopted(lab):
    w = World(lab, 2, start=False)
    w.bird.write(FOREIGN)
    w.bird.start()
    lab.wait(lambda: w.up(1), 20, 'the session of the operator')
    with w.untouched(1, configured=False):
        w.start()
        w.reported('NotOurs', '--adopt')
        w.change(2, 71)
        w.calm()
        with open(w.bird.conf, encoding='utf-8') as file:
            assert file.read() == FOREIGN
    assert w.peerd.stop() == 0
    w.restart('--adopt')
    w.converged()
    with open(w.bird.conf + '.before-peerage', encoding='utf-8') as file:
        assert file.read() == FOREIGN
    assert address(2) in w.bird.sessions()


def test_configure_of_another_file_is_held(lab):
    w = World(lab, 2)
    other = os.path.join(w.bird.folder, 'other.conf')
    with open(other, 'w', encoding='utf-8') as file:
        file.write(FOREIGN)
    assert 'Reconfigur' in w.bird.birdc(f'configure "{other}"')
    w.reported('NotOurs', 'the configuration that BIRD runs was not written by peerd')
    lab.wait(lambda: w.up(1), 20, 'the session of the other file')
    with w.untouched(1, configured=False):
        w.change(2, 71)
        w.calm()
        assert w.status()['state'] == 'NotOurs'
    w.peerd.kill()
    with w.untouched(1, configured=False):
        w.restart()
        w.rest()
    # The operator goes back by hand.
    assert 'Reconfigur' in w.bird.birdc(f'configure "{w.bird.conf}"')
    w.changed(2, 71)


def test_adopt_is_for_the_start_only(lab):
    w = World(lab, 2, options=['--adopt'])
    other = os.path.join(w.bird.folder, 'other.conf')
    with open(other, 'w', encoding='utf-8') as file:
        file.write(FOREIGN)
    w.bird.birdc(f'configure "{other}"')
    w.reported('NotOurs', 'the configuration that BIRD runs was not written by peerd')
    w.rest(1)
    assert w.runs() == ''


def test_configure_by_somebody_else(lab):
    w = World(lab, 2)
    with w.untouched():
        for command in ('configure', 'configure soft', f'configure "{w.bird.conf}" timeout 2'):
            assert 'Reconfigur' in w.bird.birdc(command)
            w.rest(1)
        w.converged()
    with w.untouched(2):
        w.change(1, 71)
        w.changed(1, 71)


def test_file_edited_by_hand(lab):
    w = World(lab, 2)
    with open(w.bird.conf, encoding='utf-8') as file:
        right = file.read()
    with w.untouched():
        with open(w.bird.conf, 'a', encoding='utf-8') as file:
            file.write('# my note\n')
        lab.wait(lambda: w.block(1) and '# my note' not in open(w.bird.conf, encoding='utf-8').read(), 15, 'mended')
        with open(w.bird.conf, encoding='utf-8') as file:
            assert file.read() == right
        w.converged()


def test_file_edited_and_configured_by_hand(lab):
    """BIRD runs an edited text that still carries our id."""
    w = World(lab, 2)
    with open(w.bird.conf, encoding='utf-8') as file:
        right = file.read()
    w.peerd.pause()  # it would put the file right before BIRD can read it
    w.bird.write(right.replace('\tneighbor 10.0.0.11', '\tdefault bgp_med 77;\n\tneighbor 10.0.0.11', 1)
                 .replace('protocol device device1 {', 'protocol static extra { ipv4; route 7.7.7.0/24 blackhole; }\n'
                          'protocol device device1 {', 1))
    with w.untouched(2):
        assert 'Reconfigur' in w.bird.birdc('configure')
        assert 'extra' in w.bird.birdc('show protocols')
        w.peerd.resume()
        lab.wait(lambda: 'extra' not in w.bird.birdc('show protocols'), 20, 'BIRD runs our text again')
        w.converged()
    with open(w.bird.conf, encoding='utf-8') as file:
        assert file.read() == right


@pytest.mark.parametrize('left', [0, 30, len(HEAD), 700])
def test_half_written_file_with_bird_running(lab, left):
    w = World(lab, 2)
    with w.untouched():
        w.peerd.kill()
        os.truncate(w.bird.conf, left)
        w.restart()
        lab.wait(lambda: w.file_id() == w.runs(), 15, 'the file is whole')
        w.converged()


@pytest.mark.parametrize('left', [0, 30, 700])
def test_half_written_file_with_bird_down(lab, left):
    """As after a power cut: BIRD cannot start with it."""
    w = World(lab, 2)
    w.peerd.kill()
    w.bird.kill()
    os.truncate(w.bird.conf, left)
    w.restart()
    lab.wait(lambda: w.block(2), 10, 'the file is whole')
    w.bird.start(recover=True)
    w.converged()


def test_file_removed(lab):
    w = World(lab, 2)
    with w.untouched():
        os.unlink(w.bird.conf)
        lab.wait(lambda: os.path.exists(w.bird.conf), 15, 'the file is back')
        w.converged()


def test_disk_full_for_the_configuration(lab):
    w = World(lab, 2, start=False)
    with mounted(w.bird.folder, '-t', 'tmpfs', '-o', 'size=256k,mode=755', 'none'):
        w.bird.write(EMPTY_CONF)
        w.start()
        w.converged()
        ballast = fill(w.bird.folder)
        with w.untouched(configured=False):
            w.change(1, 71)
            w.reported('Failed', 'No space left')
            w.peerd.kill()
            w.restart()
            w.reported('Failed', 'No space left')
            assert w.file_id() == w.runs()
            w.calm(3, lines=2)
        with w.untouched(2):
            os.unlink(ballast)
            w.changed(1, 71)
        w.peerd.stop()
        w.bird.stop()


def test_failed_change_that_is_taken_back(lab):
    w = World(lab, 2, start=False)
    with mounted(w.bird.folder, '-t', 'tmpfs', '-o', 'size=256k,mode=755', 'none'):
        w.bird.write(EMPTY_CONF)
        w.start()
        w.converged()
        with w.untouched(configured=False):
            fill(w.bird.folder)
            w.change(1, 71)
            w.reported('Failed', 'No space left')
            w.resources(bgppeer(1) + '---\n' + BASE)
            w.reported('Applied', '^')
            w.rest(3)
            w.calm()
        w.peerd.stop()
        w.bird.stop()


def test_disk_full_when_the_file_must_be_mended(lab):
    w = World(lab, 2, start=False)
    with mounted(w.bird.folder, '-t', 'tmpfs', '-o', 'size=256k,mode=755', 'none'):
        w.bird.write(EMPTY_CONF)
        w.start()
        w.converged()
        before = len(w.log())
        with w.untouched():
            os.unlink(w.bird.conf)
            ballast = fill(w.bird.folder)
            w.logged('No space left')
            w.rest(5)
            assert len(w.log()) - before <= 5
            os.unlink(ballast)
            lab.wait(lambda: os.path.exists(w.bird.conf), 30, 'the file is back')
            w.converged()
        w.peerd.stop()
        w.bird.stop()


def test_stop_leaves_bird_alone_and_ends_soon(lab):
    w = World(lab, 1)
    with w.untouched(configured=False):
        w.peerd.process.signal(signal.SIGINT)
        assert w.peerd.process.child.wait(5) == 0
        w.rest(1)
        assert w.bird.process.alive


def test_what_cannot_be_at_start(lab):
    w = World(lab, 1, start=False)
    rc, _, err = w.node.run(program('peerd'), '--store', w.peerd.store, '--node', 'n1', '--bird-conf',
                            '/nonexistent/bird.conf', check=False)
    assert rc == 2 and '/nonexistent/bird.conf' in err
