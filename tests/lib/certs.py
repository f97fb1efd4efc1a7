# SPDX-License-Identifier: Apache-2.0
"""Certificates of a test's own: an authority, and what it issues, good or bad in just one way.

    certs = Certs(os.path.join(lab.folder, 'certs'))
    server = certs.issue('etcd', 'IP:10.0.9.11', 'DNS:etcd1.lab')
    expired = certs.issue('old', 'IP:10.0.9.11', days=(-2, -1))

Two of them do not trust each other. Keys are EC P-256, for an RSA key would take longer than many a test; unless
`rsa` is set, then what is issued from then on has RSA keys.
"""

import collections
import datetime
import os

from lab import run

Pair = collections.namedtuple('Pair', 'cert key')  # two files

CONFIG = '''
[req]
distinguished_name = name
x509_extensions = authority
[name]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
rand_serial = yes
unique_subject = no
policy = any
[any]
commonName = optional
organizationName = optional
'''

EXTENSIONS = '''
basicConstraints = CA:false
extendedKeyUsage = {uses}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
'''

EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-sha256']
RSA = ['-newkey', 'rsa:2048', '-sha256']
BOTH = 'serverAuth, clientAuth'


class Certs:
    rsa = False

    def __init__(self, folder, name='Lab CA'):
        self.folder, self.ca = folder, os.path.join(folder, 'ca.pem')
        os.makedirs(folder)
        self._write('conf', CONFIG)
        self._write('index', '')
        self._openssl('req', '-x509', '-days', '30', *EC, '-nodes', '-subj', f'/CN={name}', '-keyout', 'ca.key',
                      '-out', 'ca.pem')

    def issue(self, name, *san, cn='', days=(-1, 30), uses=BOTH, password=None):
        """NAME.pem and NAME.key; whatever had this name is replaced, which is how one is renewed. SAN: 'IP:...',
        'DNS:...'. CN: NAME when not given; None: the subject has none. DAYS: from now, when its validity starts and
        ends. PASSWORD: the key is encrypted with it."""
        subject = '/O=Lab' if cn is None else f'/O=Lab/CN={cn or name}'
        now = datetime.datetime.now(datetime.timezone.utc)
        start, end = (f'{now + datetime.timedelta(days=day):%Y%m%d%H%M%SZ}' for day in days)
        names = f'subjectAltName = {", ".join(san)}\n' if san else ''
        self._write('extensions', EXTENSIONS.format(uses=uses) + names)
        self._openssl('req', '-new', *(RSA if self.rsa else EC),
                      *(['-passout', 'pass:' + password] if password else ['-nodes']),
                      '-subj', subject, '-keyout', 'new.key', '-out', 'new.csr')
        self._openssl('ca', '-batch', '-notext', '-startdate', start, '-enddate', end, '-extfile', 'extensions',
                      '-in', 'new.csr', '-out', 'new.pem')
        for kind in ('key', 'pem'):
            os.rename(self._path('new.' + kind), self._path(f'{name}.{kind}'))
        return Pair(self._path(name + '.pem'), self._path(name + '.key'))

    def env(self, pair=None):
        """How our programs are told of them, as Calico's are."""
        own = {'ETCD_CERT_FILE': pair.cert, 'ETCD_KEY_FILE': pair.key} if pair else {}
        return {'ETCD_CA_CERT_FILE': self.ca, **own}

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _write(self, name, text):
        with open(self._path(name), 'w', encoding='ascii') as file:
            file.write(text)

    def _openssl(self, command, *words):
        # It takes file names as they are, from where it runs.
        run('env', '-C', self.folder, 'openssl', command, '-config', 'conf', *words)
