# OpenSMTPD. Read by `peer`.
#
# Some of its paths cannot be configured. So it runs in a mount namespace of
# its own, where our folders lie over those of the machine; where this is not
# allowed (in many containers), it does not start.

opensmtpd=$CACHE/opensmtpd

peer_keys="max-size max-recipients"

peer_version() {
    echo "OpenSMTPD $("$opensmtpd/usr/sbin/smtpd" -h 2>&1 |
        sed -n 's/^version: OpenSMTPD //p')"
}

start_peer() {
    mkdir -p "$DIR/spool" "$DIR/run"
    chmod 711 "$DIR/spool" "$DIR/run"
    smtpd_conf > "$DIR/smtpd.conf"
    background unshare --mount --propagation private bash -c '
        set -e
        mount --bind "$1/usr/libexec/opensmtpd" /usr/libexec/opensmtpd
        mount --bind "$2/spool" /var/spool/smtpd
        mount --bind "$2/run" /var/run
        exec "$1/usr/sbin/smtpd" -F -f "$2/smtpd.conf"
    ' bash "$opensmtpd" "$DIR"
}

stop_peer() {
    stop_background
}

# The server adds its own name to a `<postmaster>` without a domain.
smtpd_conf() {
    local recipients boxes
    recipients=("${MAILBOXES[@]/%/@example.org}" postmaster@mx.example.org)
    printf -v boxes ", \"%s\" = $MAIL_USER" "${recipients[@]}"
    cat << END
smtp max-message-size "$(setting max-size 26214400)"
smtp limit max-rcpt $(setting max-recipients 1000)
table recipients { $(printf '"%s" ' "${recipients[@]}") }
table boxes { ${boxes#, } }
listen on 127.0.0.1 port $PORT hostname mx.example.org
action "keep" maildir "$DIR/mail/%{rcpt.user:lowercase}" virtual <boxes>
match from any for rcpt-to <recipients> action "keep"
END
}
