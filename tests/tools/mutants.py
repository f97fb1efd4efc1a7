#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is each remedy for a fault held by a test? Takes them away one by one, and says which test notices.

    tests/tools/mutants.py [-k WORDS] [--list]

A mutant is a text of a file, what stands there instead, and the tests of which one must fail then. They are made in a
copy below build/mutants, built as the plain variant. `killed`: a test failed; `survived`: none did; `untested`: no such
test is in this tree; `stale`: the text is not in the file (once), or the mutant does not compile. Tests must pass
without a mutant, which is tried first. Exit 1 unless all were killed. Takes a quarter of an hour; needs root.
"""

import argparse
import collections
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACE = os.path.join(ROOT, 'build', 'mutants')
TREE, BUILD = os.path.join(PLACE, 'tree'), os.path.join(PLACE, 'build')
SECONDS = 150  # a test that takes longer has failed
PARTS = ['src/peerd/peerd', 'src/peerctl/peerctl', 'tests/tools/feeds']

Mutant = collections.namedtuple('Mutant', 'name file old new tests')

# Tests by name: `unit NAME`, `sim NAME`, `golden CASE`, else a file of tests/integration and a test in it.
MANY, FAULTS, ACCESS = 'test_etcd_many.py::', 'test_etcd_faults.py::', 'test_etcd_access.py::'
LINK, GRPC = 'src/store/etcd_link.c', 'src/store/grpc.c'
WATCH, READ, WRITE = 'src/store/etcd_watch.c', 'src/store/etcd_read.c', 'src/store/etcd_write.c'
ETCD, FEED, REPORT = 'src/store/etcd.c', 'src/store/feed.c', 'src/engine/report.c'
WIRE, SCHEDULE = 'src/store/etcd_wire.c', 'src/engine/schedule.c'
WRITING = 'src/peerctl/write.c'

FATE, FATES, REFUSALS, DECIDE = (
    'src/compute/fate.c', 'src/render/fates.c', 'src/engine/refusals.c', 'src/engine/decide.c')
FACTS, BASE, NEXT = 'src/engine/facts.c', 'src/render/base.c', 'test_nexthop.py::'
HISTORY, OBSERVER = 'src/bird/history.c', 'src/engine/observer.c'

MUTANTS = [Mutant(*row) for row in (
    # ---- what becomes of a session
    ('a mistake starts a session', FATE, 'f->asked && !f->broken && !f->faulty && !f->refused;',
     'f->asked && !f->broken && !f->refused;', ['unit fate', 'sim secrets']),
    ('a stopped text without protection', FATE, 'if (fate.less) /* `birdc', 'if (false) /* `birdc', ['unit fate', 'sim fates']),
    ('what was stopped starts by itself', FATE, '(!f->up || fate.less)', 'fate.less', ['unit fate', 'sim admin']),
    ('less is not said', FATES, 'accepted && p && accepted_less(in->last, accepted, p)', 'false', ['unit fates', 'sim secrets']),
    ('what BIRD no longer takes is kept', FATES, '.accepted_refused = old', '.accepted_refused = false',
     ['sim refused', 'sim offline']),
    ('a rival takes what a broken object has', FATES, '.broken = accepted && is_broken', '.broken = accepted && !p && is_broken', ['unit fates']),
    ('a stop without a text is forgotten', 'src/engine/running.c', '\tstopped_without_text(r, &now);\n', '', ['sim secrets']),
    ('refused for ever', REFUSALS, 'if (r->items[i].due <= now && (!first ||', 'if (false && (!first ||', ['unit refusals', 'sim refused']),
    ('one question for each', REFUSALS, 'r->batch ? 2 * r->batch : 1', '0', ['unit refusals']),
    ('a file that BIRD once took', DECIDE, '(checked || o->running)', 'true', ['unit decide', 'sim offline']),
    ('a hand runs what a field stops', DECIDE, ' && !o->enabled', '', ['unit decide', 'sim admin']),
    ('a foreign file is kept or not at each look', 'src/engine/agent.c', 'agent_failed(ag, err.words);',
     'agent_say(ag, STATE_FAILED, err.words);', ['sim adopt']),
    ('an include is looked at once', 'src/engine/operator.c', 'changed |= strcmp(texts.s, f->texts.s) != 0;',
     '', ['sim refused']),
    ('a changed include is no change', 'src/render/bird.c', 'if (o->include_digest)', 'if (false)', ['sim refused']),
    ('a hand is overruled', 'src/engine/apply.c', 'if (overtaken(ap, r))', 'if (false)', ['sim combined']),
    # ---- why a session is not up
    ('the first error sticks', HISTORY, 'if (stands(&h->now) && !stands(&cause) && !attempt_ends(h, e))',
     'if (h->now.words[0])', ['unit history', 'sim cause']),
    ('what stands does so for ever', HISTORY, '++h->attempts < ATTEMPTS', 'true', ['unit history']),
    ('TCP hides what stands', HISTORY, 'stands(&h->now) && !stands(&cause) && !attempt_ends(h, e)', 'false',
     ['unit history', 'sim cause']),
    ('silence says nothing', HISTORY, 'e->now - h->quiet >= SILENCE_MS', 'false', ['unit history']),
    ('a reset never passes', HISTORY, 'e->now - h->now.seen > (h->hold ? h->hold : HOLD_MS)', 'false', ['unit history', 'sim cause']),
    ('what ended it is forgotten', HISTORY, '(!little || !more)', '(!little || !more || true)', ['unit history']),
    ('an old word is news again', HISTORY, 'if (h->recalled &&', 'if (false &&', ['unit history', 'sim cause']),
    ('flaps are only seen', OBSERVER, 'strncmp(text, state, strlen(state)) == 0', 'false', ['sim cause']),
    ('no lower bound', HISTORY, 'h->flaps_at_least |= h->untold ||', 'h->flaps_at_least |= false &&',
     ['unit history', 'sim cause']),
    ('what is lost is not missed', OBSERVER, "o->lost |= *line == '<'", 'o->lost |= false', ['sim cause']),
    ('a ring is full in silence', 'src/bird/bird.c', '\t\tb->overrun++;\n', '', ['unit bird']),
    ('a session that went is remembered', OBSERVER, 'unseen ? h->look == o->total : !h->unwanted', 'unseen || true',
     ['sim cause']),
    ('no message', OBSERVER, 'e->message = message;', '(void)message;', ['sim cause']),
    ('an old message', HISTORY, 'message_id(s->message) == h->message_id', 'false',
     ['unit history']),
    ('a remote names another session', OBSERVER, '\treturn line;\n',
     '\treturn strstr(line, "peer_") ? strstr(line, "peer_") : line;\n', ['sim cause']),
    ('an address that is not here', 'src/engine/sources.c', 'return errno != EADDRNOTAVAIL;', 'return true;',
     ['sim source']),
    ('a broadcast address', 'src/engine/sources.c', 'connect(fd, &at.any, len) == 0 || errno != EACCES', 'true',
     ['sim source']),
    ('an address that is set anew', 'src/engine/sources.c', 'clock_ms() >= at->changed + SOURCES_PATIENCE_MS', 'true',
     ['sim source']),
    # ---- a member that is silent
    ('no ping', LINK, '\t\tgrpc_ping(l->grpc);\n', '', ['unit etcd_link']),
    ('a pong is not waited for', LINK, 'if (l->pinged && now >=', 'if (false && now >=', ['unit etcd_link']),
    ('a pong is no sign of life', LINK, 'if (grpc_pongs(l->grpc) != l->pongs || l->heard > l->pinged) {',
     'if (false) {', ['unit etcd_link']),
    ('silence begins before the question', LINK, 'if (!grpc_busy(l->grpc))\n\t\tl->heard = l->token_used;',
     'if (false)\n\t\tl->heard = l->token_used;', ['unit etcd_link']),
    ('too many pings are not heeded', LINK, 'MIN(2 * silence_ms, SILENCE_MAX_MS)', 'silence_ms', ['unit etcd_link']),
    ('a greeting is waited for without end', LINK, 'if (l->state < LINK_READY && now >= l->deadline)', 'if (false)',
     ['unit etcd_link']),
    ('an answer is waited for without end', ETCD, 'clock_ms() - c->heard > ETCD_CALL_MS', 'false',
     ['unit etcd_write', FAULTS + 'test_peerctl_and_what_is_no_etcd']),
    ('a call at the goodbye', LINK, 'grpc_leaving(l->grpc, &calm) && !grpc_busy(l->grpc)', 'false', ['unit etcd_link']),
    # ---- several members
    ('the next endpoint is the same', LINK, 'l->at = (l->at + 1) % l->n_endpoints;', '', ['unit etcd_link']),
    ('back to the member that was left', LINK, '\tnext_endpoint++;\n', '', ['unit etcd_link']),
    ('only the last endpoint is told of', LINK, '\tif (before.kind)\n', '\tif (false)\n', ['unit etcd_link']),
    ('a member without a leader is waited for', GRPC, 'HEADER("hasleader", "true")', 'HEADER("has-leader", "true")',
     [FAULTS + 'test_no_leader']),
    ('no patience', ETCD, 'st->flags & STORE_PATIENT ?', 'false ?', ['unit etcd_write', MANY + 'test_rolling_restart']),
    ('nothing passes', ETCD, '\tcase GRPC_NONE:\n\tcase GRPC_CANCELLED:', '\tcase GRPC_CANCELLED:',
     ['unit etcd_write', MANY + 'test_rolling_restart']),
    ('an election does not pass', ETCD, '\tcase GRPC_UNAVAILABLE:\n\t\treturn true;', '\t\treturn true;',
     [MANY + 'test_rolling_restart']),
    # ---- users
    ('a token that nobody used', LINK, 'return l->token && clock_ms() -', 'return false && clock_ms() -',
     ['unit etcd_link']),
    ('a JWT ends', LINK, 'bool jwt = l->token && strncmp(l->token, "ey", 2) == 0;', 'bool jwt = false;',
     ['unit etcd_link']),
    ('a refused token', LINK, 'call->status == GRPC_UNAUTHENTICATED ||', 'false ||', ['unit etcd_link']),
    ('an old auth store', LINK, 'strstr(call->words, "auth store is old")', 'false', ['unit etcd_link']),
    ('all that were refused ask', LINK, 'call->token_number == l->n_tokens', 'true', ['unit etcd_link']),
    ('a token is not kept', LINK, '\tif (config->username)\n\t\ttoken_recall(l);\n', '', ['unit etcd_link']),
    ('another user\'s token', LINK, 'str_eq(kept.whose, whose)', 'true', ['unit etcd_link']),
    ('a wrong password for every member', LINK, 'endpoint_failed(l, &err, err.kind == ERR_REFUSED);',
     'endpoint_failed(l, &err, false);', ['unit etcd_link']),
    ('users that are not enabled', LINK, 'status == GRPC_FAILED_PRECONDITION &&', 'false &&', ['unit etcd_link']),
    ('a watch that is not permitted', WATCH,
     'strstr(as.words, "PermissionDenied") || strstr(as.words, "permission denied")', 'false',
     [ACCESS + 'test_agent_that_may_not_watch']),
    # ---- history
    ('a watch is not resumed', FEED, 'f->op.err.kind != ERR_CONFLICT && f->op.resume)', 'false)',
     ['sim away', MANY + 'test_rolling_restart']),
    ('compacted is away', WATCH, 'err_set(&op->err, ERR_CONFLICT,\n\t\t"%s has compacted',
     'err_set(&op->err, ERR_AWAY,\n\t\t"%s has compacted', [FAULTS + 'test_compacted_past_the_watch']),
    ('compacted is not heard', WATCH, 'if (w->answer.compact_revision) {', 'if (false) {',
     [ACCESS + 'test_agent_and_old_revisions']),
    ('the anchor is not looked at', WATCH, 'else if (from->anchor && mod != (from->deleted ? 0 : from->mod))',
     'else if (false)', [FAULTS + 'test_restored_from_an_old_snapshot']),
    ('another cluster is the same', FEED, 'if (f->op.identity && !str_eq(f->op.identity, f->identity)) {',
     'if (false) {', ['unit feed', FAULTS + 'test_restored_as_another_cluster']),
    # ---- whole transactions, whole lists
    ('what came and went before the list', WATCH, ' && w->held_revision > w->from.revision)', ')',
     ['test_etcd.py::test_behaves_as_every_store']),
    ('a list that gets nowhere', READ, 'if (!is_behind(&kv, &r->key))', 'if (false)', ['unit etcd_write']),
    ('a page of nothing', READ, 'return !r->more || r->n_page ||', 'return true ||', ['unit etcd_write']),
    ('half a transaction', WATCH, '\tbuf_add(&w->held, f->at, f->len);\n',
     '\tbuf_add(&w->held, f->at, f->len);\n\theld_tell(w);\n',
     [MANY + 'test_transactions_are_whole']),
    ('fragments', WIRE, '\tpb_uint(b, 3, (uint64_t)revision);\n',
     '\tpb_uint(b, 3, (uint64_t)revision);\n\tpb_uint(b, 8, true);\n',
     [MANY + 'test_much_that_is_not_ours']),
    ('only the first page', READ, 'r->more = f->value;', 'r->more = false;', [MANY + 'test_pages']),
    ('pages of different times', READ, 'range.revision = r->task->header.revision;', '', [MANY + 'test_pages']),
    ('foreign keys are kept', WATCH, 'if (!etcd_key_parse(kv.key, kv.key_len, &w->name))\n\t\treturn true;',
     '(void)etcd_key_parse(kv.key, kv.key_len, &w->name);', [MANY + 'test_much_that_is_not_ours']),
    ('keys of other kinds are handed over', ETCD, 'if (!kind || !(wanted & 1u << kind->id))', 'if (!kind)',
     ['test_etcd.py::test_behaves_as_every_store']),
    ('where it stands is not said', ETCD, '\top->entry(op->ctx, &entry);',
     '\tentry.place = NULL;\n\top->entry(op->ctx, &entry);',
     [ACCESS + 'test_broken_values']),
    # ---- writes
    ('a batch is refused as a whole', WRITE, 'if (b != t->final && b->n > 1) {', 'if (false) {',
     ['test_etcd.py::test_behaves_as_every_store']),
    ('what is ours is not known again', WRITE, 'bool ours = b->doubtful && b->n_answers == b->n;', 'bool ours = false;',
     ['unit etcd_write']),
    ('all that is like ours is ours', WRITE, 'bool ours = b->doubtful && b->n_answers == b->n;',
     'bool ours = b->n_answers == b->n;', ['unit etcd_write']),
    ('what was sent is forgotten', WRITE, 'b->doubtful |= b->call.call.sent;', '', ['unit etcd_write']),
    ('what is not known is not done', WRITE,
     'b->items[i].last->result = b->items[i].first->result = WRITE_UNKNOWN;', ';',
     ['unit etcd_write']),
    ('a retry makes good what was refused', ETCD, '\t\t\tt->retry_at = now + PAUSE_MS;\n\t\t\treturn true;',
     '\t\t\tt->retry_at = now + PAUSE_MS;\n\t\t\tt->op->err = (struct err){ 0 };\n\t\t\treturn true;',
     ['unit etcd_write']),
    ('what was left is not written', WRITE, '\t\t    (b->doubtful || (b->state == BATCH_RUNNING && b->call.call.sent)))',
     '\t\t    false)', ['unit etcd_write']),
    ('the last batch goes with the others', WRITE, '(b == t->final && open > 1) ||', '', ['unit etcd_write']),
    ('the last batch goes although another was refused', WRITE, 't->refused && open == 1 &&', 'false &&', ['unit etcd_write']),
    ('the last batch is taken apart', WRITE, 'b != t->final && b->n > 1', 't->batches->next && b->n > 1',
     ['unit etcd_write']),
    ('a token that does not come is waited for', WRITE, 'else if (!running)', 'else if (false)', ['unit etcd_write']),
    # ---- what is told
    ('a store that is away is asked without pause', FEED,
     'f->pause = f->pause ? MIN(f->pause * 2, PAUSE_MAX_MS) : PAUSE_MIN_MS;', 'f->pause = PAUSE_MIN_MS;',
     ['unit feed']),
    ('since is told by another clock', FEED, '\t\ti->since = i->until - lasted;\n', '\t\t;\n', ['sim away_wall']),
    ('two incidents of one second', 'src/engine/told.c', 'now->number != told->number', 'now->since != told->since',
     ['sim away_wall']),
    ('a status that was not written is not told', REPORT, 'if (!(r->told_late & 1u << kind))', 'if (false)',
     ['sim written', FAULTS + 'test_status_may_not_be_written', ACCESS + 'test_agent_and_users']),
    ('and is told again and again', REPORT, 'if (!(r->told_late & 1u << kind))', 'if (true)',
     ['sim written', FAULTS + 'test_status_may_not_be_written', ACCESS + 'test_agent_and_users']),
    ('a write that is not answered is not told', REPORT, 'if (clock_ms() >= r->schedule.written + LATE_MS)', 'if (false)',
     ['sim written']),
    # ---- when a status is written
    ('no sleep while BIRD only greets', REPORT, '\tr->able = false;\n', '', ['sim greeted']),
    ('counters are news', REPORT, '\t\tat->routes_imported = at->routes_exported = 0;\n', '\t\t(void)at;\n', ['sim written']),
    ('nothing is told at once', REPORT, 'last ? last + COMPARE_MS : 0', 'r->compared + COMPARE_MS', ['sim written']),
    ('all nodes are the first', REPORT, '\ts->place = low;\n', '\ts->place = 0;\n', ['sim written']),
    ('nobody waits for a turn', SCHEDULE, 'MAX(s->news, s->able) + turn(s, s->place)', 'MAX(s->news, s->able)',
     ['unit schedule']),
    ('who flaps has no round', SCHEDULE, 'MAX(SPACE_MS, turn(s, s->nodes));\n\n', 'SPACE_MS;\n\n', ['unit schedule']),
    ('all refreshes have one slot', SCHEDULE, '(int64_t)s->place * s->refresh', '(int64_t)0 * s->refresh', ['unit schedule']),
    ('what is overdue comes at once', SCHEDULE, 's->able + turn(s, s->place) : at', 's->able : at', ['unit schedule']),
    ('the store takes its limit twice', SCHEDULE, 's->limit - refreshes * 9 / 8 - 1', 's->limit', ['unit schedule']),
    ('a promise is forgotten', SCHEDULE, 'MIN(news_at(s), latest(s))', 'news_at(s)', ['unit schedule']),
    # ---- what is believed of it
    ('what is stale is established', 'src/peerctl/fabric.c', '\t\telse if (s->stale)\n', '\t\telse if (false)\n',
     ['test_status.py::test_how_long_a_status_is_good']),
    ('a ghost is established', 'src/peerctl/fabric.c', '\t\tif (s->orphan)\n', '\t\tif (false)\n',
     ['test_status.py::test_status_without_its_node']),
    ('all are good for three minutes', 'src/model/kinds/nodestatus.c', 's->good_for.text ? s->good_for.value :', 'false ? 0 :',
     ['test_status.py::test_how_long_a_status_is_good']),
    ('a full store is any other', ETCD, 'if (strstr(words, "space exceeded"))', 'if (false)', [FAULTS + 'test_full']),
    ('a web server is etcd', GRPC, 'if (memcmp(g->greeting, http, GREETING) == 0 ||', 'if (false &&', ['unit etcd_link']),
    # ---- who has a session
    ('a lower name takes a running session', 'src/compute/candidate.c',
     '\tif (!order && x->born != y->born)\n\t\torder = x->born < y->born ? -1 : 1;\n', '',
     ['unit winner', 'unit write']),
    ('a time in the future counts', 'src/compute/candidate.c', 'if (p->facts->now && ', 'if (false && ', ['unit winner']),
    ('a file says how old it is', WRITING, 'return !given || str_eq(given, kept);', 'return true;', ['unit write']),
    ('an update forgets the time that was kept', WRITING, 'if (given || !kept)', 'if (kept || !kept)', ['unit write']),
    ('an update makes an object young', WRITING, 'have ? have->meta.created : now', 'now', ['unit write']),
    ('apply takes a session in silence', WRITING, '\twarn_takeovers(w);\n', '\tif (false)\n\t\twarn_takeovers(w);\n',
     ['unit write']),
    # ---- less that is said, more that is let through
    ('a filter may have what we do not know', 'src/model/kinds/bgpfilter.c', '\t.flags = KIND_CLOSED,\n', '',
     ['unit decode']),
    ('a limit may be misspelt', 'src/model/decode.c', 'field_near_limit(shape, m->key) ||', '', ['unit decode']),
    ('a limit may stand outside', 'src/model/decode.c', '(fallen && (around', '(fallen && false && (around',
     ['unit decode']),
    ('a file mends no filter', 'src/model/stored.c', 'closed ? &type_json : &type_struct', '&type_struct',
     ['unit calico_json']),
    ('a file mends no limit', 'src/model/stored.c', '!(!f && field_near_limit(shape, m->key)) &&', '', ['unit calico_json']),
    ('plan takes a session in silence', 'src/peerctl/plan.c', '\ttakeovers_add(&p);\n',
     '\tif (false)\n\t\ttakeovers_add(&p);\n', ['unit write']),
    # ---- next hops
    ('kernel routes are not looked at', 'src/engine/routes.c', '\tif (!missed)\n', '\tif (true)\n',
     ['unit machine', NEXT + 'test_cloud', NEXT + 'test_dhcpv6']),
    ('the pipe has no route of BGP', BASE, ' || defined(peerage_onlink)', '',
     [NEXT + 'test_default_of_a_direct_gateway_carries_next_hops']),
    ('the pipe has all routes of BGP', BASE, 'export where source != RTS_BGP || defined(peerage_onlink);', 'export all;',
     [NEXT + 'test_default_of_a_recursive_gateway_does_not']),
    ('a given gateway is not marked', 'src/render/filter.c', 'buf_str(out, "\\tpeerage_onlink = 1;\\n");', '',
     [NEXT + 'test_default_of_a_direct_gateway_carries_next_hops']),
    ('what next hops are looked up in goes to the kernel', BASE, 'table igp%d;\\n\\t\\tpreference', 'table master%d;\\n\\t\\tpreference',
     [NEXT + 'test_statics_go_nowhere']),
    ('any name goes into the text', 'src/compute/routes.c', 'return len && !r->interface[len] &&', 'return true ||',
     ['golden routes', NEXT + 'test_name_of_an_interface']),
    ("BIRD's own routes wake", 'src/engine/routes.c', 'RTPROT_BIRD, 5, 0)', 'RTPROT_BIRD, 0, 0)', ['unit machine']),
    ('routes are read at each news', FACTS, '#define ROUTES_MS 1000', '#define ROUTES_MS 0', ['unit machine']),
    ('many routes are read as often as few', FACTS, '\ts->routes_after += (int64_t)(now.told / PER_MS);\n', '', ['unit machine']),
    ('many addresses are read as often as few', FACTS, '\ts->read_after = clock_ms() + (int64_t)(now.told / PER_MS);\n', '',
     ['unit machine']),
    ('a link that goes takes no routes along', FACTS, '\t\ts->routes_due = true;', '\t\t;', ['unit machine']),
    ('a name is asked for once for each address', 'src/engine/netlink.c', 'if (names->at[at].index != index)', 'if (true)',
     ['unit machine']),
    ('host addresses are prefixes', 'src/engine/addresses.c', '(at.address.len == ip_bits(&local) && !ip_is_set(&at.peer))', 'false',
     ['unit machine']),
    ('links are compared at each run', 'src/engine/links.c', '!l->seen || revision != l->revision', 'true', ['unit links']),
    ('an own host address is on-link', 'src/compute/peering.c', 'if (f->n_local && bsearch(', 'if (false && bsearch(', ['golden routes']),
    ('routes are no part of a plan', 'src/compute/diff.c', '\t\t    routes_same(a, b) &&\n', '', ['unit diff']),
    ('next hops are asked for at each look', 'src/engine/unresolved.c', '(moving ? MOVING_MS : REST_MS)', '0', ['sim unresolved']),
    ('all routes are asked for', 'src/bird/bird.c', 'b->max_lines && r->n >= b->max_lines', 'false',
     ['unit bird']),
    ('each number of routes is a new problem', 'src/engine/unresolved.c', 'while (n / unit >= 100)', 'while (false)', ['sim unresolved']),
)]


class Stale(Exception):
    pass


def run(command, folder=TREE, seconds=SECONDS):
    """(exit code, output); None: it took too long."""
    env = {**os.environ, 'PEERAGE_BIN': os.path.join(BUILD, 'src'), 'PYTHONDONTWRITEBYTECODE': '1', 'LC_ALL': 'C.UTF-8'}
    try:
        done = subprocess.run(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors='replace', timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return None, ''
    return done.returncode, done.stdout


def copy():
    """This tree, as it is on the disk; what has not changed keeps its time, so that little is built anew."""
    rc, out = run(['git', 'ls-files', '-co', '--exclude-standard'], ROOT)
    names = [name for name in out.splitlines() if os.path.isfile(os.path.join(ROOT, name))]
    if rc != 0 or not names:
        sys.exit(f'git ls-files: {out}')
    for name in names:
        source, target = os.path.join(ROOT, name), os.path.join(TREE, name)
        if os.path.exists(target) and open(source, 'rb').read() == open(target, 'rb').read():
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(source, target)
    if not os.path.isdir(BUILD):
        rc, out = run(['meson', 'setup', BUILD, TREE, '--buildtype=debug', '-Dwerror=false', '-Dwarning_level=0'])
        if rc != 0:
            sys.exit(out)


def program(test):
    """What a test is run with: a path below BUILD; None when this tree has no such test."""
    kind, _, name = test.partition(' ')
    if kind == 'unit':
        there = os.path.exists(os.path.join(TREE, 'tests', 'unit', f'test_{name}.c'))
        return f'tests/unit/unit_{name}' if there else None
    if kind == 'sim':
        return 'tests/sim/sim' if os.path.exists(os.path.join(TREE, 'tests', 'sim', name + '.sim')) else None
    if kind == 'golden':
        return 'tests/golden/golden' if os.path.exists(os.path.join(TREE, 'tests', 'golden', name)) else None
    file, _, name = test.partition('::')
    path = os.path.join(TREE, 'tests', 'integration', file)
    there = os.path.exists(path) and f'def {name}(' in open(path, encoding='utf-8').read()
    return 'tests/unit/unit_store' if there else None


def build(tests):
    rc, out = run(['ninja', '-C', BUILD, *PARTS, *sorted({program(test) for test in tests})], seconds=1200)
    if rc != 0:
        raise Stale('\n'.join(out.splitlines()[-15:]))


def passes(test):
    kind, _, name = test.partition(' ')
    path = os.path.join(BUILD, program(test))
    if kind == 'unit':
        return run([path])[0] == 0
    if kind == 'sim':
        return run([path, os.path.join(TREE, 'tests', 'sim'), name])[0] == 0
    if kind == 'golden':
        return run([os.path.join(TREE, 'tests', 'golden', 'run'), path, name])[0] == 0
    return run([sys.executable, '-B', '-m', 'pytest', '-p', 'no:cacheprovider', '-qx', '--tb=no',
                'tests/integration/' + test])[0] == 0


def judge(mutant, sound):
    """One word, and a few more."""
    path = os.path.join(TREE, mutant.file)
    text = open(path, encoding='utf-8').read()
    there = [test for test in mutant.tests if program(test)]
    if text.count(mutant.old) != 1:
        return 'stale', f'the text is {text.count(mutant.old)} times in {mutant.file}'
    if not there:
        return 'untested', ', '.join(mutant.tests)
    try:
        for test in there:
            if test not in sound:
                build([test])
                sound[test] = passes(test)
        there = [test for test in there if sound[test]]
        if not there:
            return 'stale', f'{", ".join(mutant.tests)}: fails without it, too'
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text.replace(mutant.old, mutant.new))
        build(there)
        for test in there:
            if not passes(test):
                return 'killed', test
        return 'survived', ', '.join(there)
    except Stale as error:
        return 'stale', str(error)
    finally:
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)


def main():
    parser = argparse.ArgumentParser(prog='mutants', description=__doc__.splitlines()[0])
    parser.add_argument('-k', metavar='WORDS', default='', help='those with WORDS in their name, file or tests')
    parser.add_argument('--list', action='store_true')
    options = parser.parse_args()
    chosen = [m for m in MUTANTS if options.k in ' '.join([m.name, m.file, *m.tests])]
    if options.list:
        for mutant in chosen:
            print(f'{mutant.name:<44} {mutant.file:<24} {", ".join(mutant.tests)}')
        return 0
    copy()
    counts, sound = collections.Counter(), {}
    for mutant in chosen:
        started = time.monotonic()
        word, why = judge(mutant, sound)
        counts[word] += 1
        print(f'{word:<9} {mutant.name:<44} {time.monotonic() - started:5.0f} s  {why}', flush=True)
    print(', '.join(f'{n} {word}' for word, n in sorted(counts.items())))
    return 0 if counts['killed'] == len(chosen) else 1


if __name__ == '__main__':
    sys.exit(main())
