# aiosmtpd: a server as a library, in Python. Read by `peer`.

peer_keys="max-size"

peer_version() {
    echo "aiosmtpd $("$CACHE/venv/bin/python" -c \
        'import aiosmtpd; print(aiosmtpd.__version__)')"
}

start_peer() {
    background "$CACHE/venv/bin/python" "$here/aiosmtpd_peer.py" \
        "$PORT" "$DIR/mail" "$(setting max-size 26214400)"
}

stop_peer() {
    stop_background
}
