// nodemailer.js PORT FROM FILE TO...: sends one message with nodemailer.

const fs = require('fs');
const nodemailer = require('nodemailer');

const [port, from, file, ...to] = process.argv.slice(2);
const codeOf = (error) => (error.responseCode >= 500 ? 69 : 75);

async function send() {
    const transport = nodemailer.createTransport({
        host: '127.0.0.1',
        port: Number(port),
        name: 'client.example',
        ignoreTLS: true,
    });
    const info = await transport.sendMail({
        envelope: { from, to },
        raw: fs.readFileSync(file),
    });
    const errors = info.rejectedErrors ?? [];
    errors.forEach((error) => console.error(error.message));
    return Math.max(0, ...errors.map(codeOf));
}

send().then(
    (code) => { process.exitCode = code; },
    (error) => {
        console.error(error.message);
        process.exitCode = codeOf(error);
    },
);
