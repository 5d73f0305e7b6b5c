# What the scripts beside this file share; they read it with "source".
#
#   CACHE      where setup puts the servers that Debian does not let us install
#   MAIL_USER  the user that owns the mailboxes: no mail server delivers as root
#   MAILBOXES  the local parts that exist at example.org
#   die WORDS  says what is wrong, and ends with exit code 2
#
# For those that install something:
#
#   may_install                     or dies
#   install_packages NAME...        from Debian
#   install_from_pypi NAME VERSION  into a Python of its own: $CACHE/venv
#   install_from_npm NAME VERSION   into $CACHE/node

CACHE=${PILLARBOX_PEERS:-$HOME/.cache/pillarbox-peers}
MAIL_USER=peermail
MAILBOXES=(bob carol postmaster)

die() {
    echo "${0##*/}: $*" >&2
    exit 2
}

may_install() {
    export DEBIAN_FRONTEND=noninteractive
    [ "$(id -u)" -eq 0 ] || die "this must run as root"
    command -v apt-get > /dev/null || die "this machine has no apt-get"
    mkdir -p "$CACHE"
}

# The lists of packages, read at most once in a run.
fresh_lists() {
    [ -n "${lists_are_fresh:-}" ] || apt-get update -qq
    lists_are_fresh=yes
}

is_installed() {
    dpkg-query -W -f '${Status}' "$1" 2> /dev/null | grep -q ' installed$'
}

# Never removes anything: this may be a machine that really serves mail.
install_packages() {
    local package missing=()
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    fresh_lists
    apt-get install -y -qq --no-install-recommends --no-remove \
        "${missing[@]}" > "$CACHE/apt.log" 2>&1 || {
        cat "$CACHE/apt.log" >&2
        die "cannot install ${missing[*]}"
    }
}

# venv: Debian cuts it out of Python's own library.
install_from_pypi() {
    local python=$CACHE/venv/bin/python
    local check="import importlib.metadata as m; assert m.version('$1') == '$2'"
    "$python" -c "$check" 2> /dev/null && return
    install_packages python3 python3-venv
    [ -x "$python" ] || python3 -m venv "$CACHE/venv"
    "$python" -m pip install -q --disable-pip-version-check "$1==$2"
}

# A node that is here already, with its npm, is as good as Debian's.
install_from_npm() {
    local package=$CACHE/node/node_modules/$1/package.json
    command -v npm > /dev/null || install_packages nodejs npm
    ! grep -qs "\"version\": \"$2\"" "$package" || return 0
    mkdir -p "$CACHE/node"
    npm install --silent --no-audit --no-fund --ignore-scripts \
        --prefix "$CACHE/node" "$1@$2"
}
