# Postfix. Read by `peer`.
#
# Delivery is what its manual calls "virtual": mailboxes that are no users of
# the machine. Some settings are for the tests: no name look-ups, no pause
# after a mistake, no limit per client, and mistakes do not end a session.
#
# One is for the benchmark. When mail comes in faster than Postfix brings it to
# the mailboxes, it pauses for a second before each new message (in_flow_delay).
# That is wise on a server that runs for years. In a turn of a second the pause
# would be most of what is measured, or be missing by chance.

peer_keys="max-size max-recipients"

peer_version() {
    echo "Postfix $(postconf -d -h mail_version)"
}

start_peer() {
    local conf=$DIR/conf
    mkdir -p "$conf" "$DIR/queue" "$DIR/data" "$DIR/log"
    chown postfix "$DIR/data"
    main_cf > "$conf/main.cf"
    master_cf > "$conf/master.cf"
    postfix -c "$conf" start > "$DIR/out" 2>&1 || return 0
    tr -d ' ' < "$DIR/queue/pid/master.pid" > "$DIR/pid"
}

stop_peer() {
    [ ! -e "$DIR/pid" ] || postfix -c "$DIR/conf" stop >> "$DIR/out" 2>&1
    rm -f "$DIR/pid"
}

main_cf() {
    local name
    cat << END
compatibility_level = 3.6
queue_directory = $DIR/queue
data_directory = $DIR/data
maillog_file = $DIR/log/maillog
maillog_file_prefixes = $DIR
inet_interfaces = 127.0.0.1
inet_protocols = ipv4

myhostname = mx.example.org
myorigin = example.org
mydestination =
mynetworks =
alias_maps =
alias_database =
virtual_mailbox_domains = example.org
virtual_mailbox_base = $DIR/mail
virtual_mailbox_maps = inline:{
$(for name in "${MAILBOXES[@]}"; do
        echo "    $name@example.org=$name/"
    done)
    }
virtual_uid_maps = static:$(id -u "$MAIL_USER")
virtual_gid_maps = static:$(id -g "$MAIL_USER")
virtual_mailbox_limit = 0
message_size_limit = $(setting max-size 26214400)
smtpd_recipient_limit = $(setting max-recipients 1000)

smtpd_peername_lookup = no
disable_dns_lookups = yes
smtpd_error_sleep_time = 0
in_flow_delay = 0
smtpd_client_connection_count_limit = 0
smtpd_hard_error_limit = 100
END
    more_settings
}

# For another Postfix that is like this one but for some settings, or listens
# at another port as well.
more_settings() {
    :
}

more_services() {
    :
}

# Which program does what: the list of Postfix's own master.cf, without the
# programs that nobody needs here, and without chroot.
master_cf() {
    cat << END
127.0.0.1:$PORT inet n - n - - smtpd
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
proxymap  unix - - n - - proxymap
error     unix - - n - - error
retry     unix - - n - - error
smtp      unix - - n - - smtp
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
showq     unix n - n - - showq
postlog   unix-dgram n - n - 1 postlogd
END
    more_services
}
