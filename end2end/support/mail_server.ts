import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

/** A mail server that keeps what it receives. */
export class MailServer {
  readonly #mails: ParsedMail[] = [];

  private constructor(private readonly server: SMTPServer) {}

  static async start(): Promise<MailServer> {
    const it: MailServer = new MailServer(
      new SMTPServer({
        disabledCommands: ['AUTH', 'STARTTLS'],
        onData: (stream, _, done) => {
          simpleParser(stream).then((mail) => {
            it.#mails.push(mail);
            done();
          }, done);
        },
      }),
    );
    it.server.listen(0, '127.0.0.1');
    await once(it.server.server, 'listening');
    return it;
  }

  /** The app's settings for this server. */
  get settings(): Record<string, string> {
    const { port } = this.server.server.address() as AddressInfo;
    return { SMTP_URL: `smtp://127.0.0.1:${port}`, MAIL_FROM: 'relay@shop.example' };
  }

  /** Received emails, oldest first. */
  get mails(): readonly ParsedMail[] {
    return this.#mails;
  }

  async stop(): Promise<void> {
    await new Promise<void>((done) => this.server.close(done));
  }
}
