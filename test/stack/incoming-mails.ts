/** Mails as other people's programs send them to us. */
export function plainMail(given: {
  answers?: string;
  headers?: string[];
  text?: string;
  id?: string | null;
  subject?: string;
  from?: string;
  to?: string;
}): string {
  const {
    answers,
    headers = [],
    subject = 'Re: Is your problem solved?',
    text = 'Thank you.',
    id = '<1@customers.example>',
    from = 'Ann <ann@customers.example>',
    to = 'care@closeout.example',
  } = given;
  return [
    ...headers,
    `From: ${from}`,
    `To: ${to}`,
    `Subject: ${subject}`,
    ...(id === null ? [] : [`Message-ID: ${id}`]),
    ...(answers ? [`In-Reply-To: ${answers}`, `References: ${answers}`] : []),
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    text,
    '',
  ].join('\r\n');
}

interface Bounce {
  surveyId: string;
  action: string;
  status: string;
  to?: string;
  envelopeId?: string;
  recipient?: string;
  /** Message-ID of the mail it returns. */
  returned?: string;
}

/** RFC 3464. */
export function bounceMail({ surveyId, action, status, to, envelopeId, returned, recipient }: Bounce): string {
  const original = returned ?? `<survey.${surveyId}.1@closeout.example>`;
  return [
    'Return-Path: <>',
    'From: MAILER-DAEMON@relay.example',
    `To: ${to ?? `bounce+${surveyId}@closeout.example`}`,
    'Subject: Delivery report',
    `Message-ID: <report.${surveyId}.${status}@relay.example>`,
    'MIME-Version: 1.0',
    'Auto-Submitted: auto-replied',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'Your message could not be delivered.',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; relay.example',
    ...(envelopeId === '' ? [] : [`Original-Envelope-Id: ${envelopeId ?? surveyId}`]),
    '',
    `Final-Recipient: rfc822; ${recipient ?? 'ann@customers.example'}`,
    `Action: ${action}`,
    `Status: ${status}`,
    '',
    '--b',
    'Content-Type: text/rfc822-headers',
    '',
    ...(original ? [`Message-ID: ${original}`] : []),
    'Subject: Is your problem solved?',
    '',
    '--b--',
    '',
  ].join('\r\n');
}

/** A mail of several parts. */
export function multipartMail(given: { headers: string[]; type: string; parts: string[] }): string {
  const { headers, type, parts } = given;
  const lines = [...headers, 'MIME-Version: 1.0', `Content-Type: multipart/${type}; boundary="q"`, ''];
  return [...lines, ...parts.flatMap((part) => ['--q', part, '']), '--q--', ''].join('\n').replaceAll('\n', '\r\n');
}
