# Postfix with TLS and passwords, for `record-tls`. Read by `peer`.
#
# At PORT a session begins in plain text, and STARTTLS makes it private. At
# PORT+1 it is private from the first byte. Whoever logs in may send mail to
# every domain; it stays in the queue, for nothing leaves this machine.
#
# One user exists: bob@example.org, whose password is "tell nobody". Cyrus SASL
# keeps it in a small database of its own.

source "$here/postfix.sh"

saslpasswd2=$CACHE/sasl/usr/sbin/saslpasswd2

more_settings() {
    make_certificate
    make_user
    cat << END
smtpd_tls_security_level = may
smtpd_tls_cert_file = $DIR/conf/certificate.pem
smtpd_tls_key_file = $DIR/conf/key.pem
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
cyrus_sasl_config_path = $DIR/conf/sasl
defer_transports = smtp
END
}

more_services() {
    cat << END
127.0.0.1:$((PORT + 1)) inet n - n - - smtpd
    -o smtpd_tls_wrappermode=yes
tlsmgr    unix - - n 1000? 1 tlsmgr
END
}

# Nobody has signed it but itself.
make_certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 \
        -subj /CN=mx.example.org -keyout "$DIR/conf/key.pem" \
        -out "$DIR/conf/certificate.pem" 2> "$DIR/out"
}

make_user() {
    mkdir -p "$DIR/conf/sasl"
    cat > "$DIR/conf/sasl/smtpd.conf" << END
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: $DIR/conf/sasldb
mech_list: PLAIN LOGIN
END
    printf 'tell nobody' |
        "$saslpasswd2" -p -c -f "$DIR/conf/sasldb" -u example.org bob
    chown postfix "$DIR/conf/sasldb"
}
