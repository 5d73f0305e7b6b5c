// serve-smtp-server.js PORT FOLDER: a server with smtp-server, the other half of
// nodemailer.

const fs = require('fs');
const path = require('path');
const { SMTPServer } = require('smtp-server');

const [port, folder] = process.argv.slice(2);
const names = ['bob', 'carol', 'postmaster'];
let number = 0;

function split(address) {
    const at = address.lastIndexOf('@');
    const domain = at < 0 ? 'example.org' : address.slice(at + 1);
    const name = at < 0 ? address : address.slice(0, at);
    // Quotes that are not needed mean nothing (RFC 5321 4.1.2).
    return [name.toLowerCase().replace(/["\\]/g, ''), domain.toLowerCase()];
}

function refuse(code, words) {
    return Object.assign(new Error(words), { responseCode: code });
}

function onRcptTo({ address }, session, done) {
    const [name, domain] = split(address);
    if (domain !== 'example.org') return done(refuse(550, 'Relaying refused'));
    if (!names.includes(name)) return done(refuse(550, 'No such mailbox'));
    return done();
}

function onData(stream, session, done) {
    const pieces = [];
    stream.on('data', (piece) => pieces.push(piece));
    stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const first = `Return-Path: <${mailFrom.address || ''}>\r\n`;
        const message = Buffer.concat([Buffer.from(first), ...pieces]);
        for (const { address } of rcptTo) {
            const [name, domain] = split(address);
            const place = path.join(folder, domain, name);
            for (const part of ['tmp', 'new', 'cur']) {
                fs.mkdirSync(path.join(place, part), { recursive: true });
            }
            const file = `${Date.now()}.${process.pid}.${number++}`;
            fs.writeFileSync(path.join(place, 'tmp', file), message);
            fs.renameSync(
                path.join(place, 'tmp', file),
                path.join(place, 'new', file),
            );
        }
        done();
    });
}

const server = new SMTPServer({
    name: 'mx.example.org',
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onRcptTo,
    onData,
});
server.on('error', (error) => console.error(error.message));
server.listen(Number(port), '127.0.0.1');
