# What the scripts beside this file share; they read it with "source".
#
#   CACHE      where setup puts the servers that Debian does not let us install
#   MAIL_USER  the user that owns the mailboxes: no mail server delivers as root
#   MAILBOXES  the local parts that exist at example.org
#   die WORDS  says what is wrong, and ends with exit code 2

CACHE=${PILLARBOX_PEERS:-$HOME/.cache/pillarbox-peers}
MAIL_USER=peermail
MAILBOXES=(bob carol postmaster)

die() {
    echo "${0##*/}: $*" >&2
    exit 2
}
