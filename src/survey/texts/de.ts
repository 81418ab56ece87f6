import type { Texts } from './catalogue.js';

export const de: Texts = {
  language: 'Deutsch',
  dir: 'ltr',
  ratings: { 1: 'sehr unzufrieden', 2: 'unzufrieden', 3: 'weder noch', 4: 'zufrieden', 5: 'sehr zufrieden' },
  mail: {
    subject: (report) => `Ist Ihr Problem gelöst? Meldung ${report}`,
    reminder: (report) => `Erinnerung: Ist Ihr Problem gelöst? Meldung ${report}`,
    hello: (name) => (name ? `Guten Tag ${name},` : 'Guten Tag,'),
    askedBefore: 'wir haben Sie das schon einmal gefragt und fragen danach nicht wieder.',
    closed: (report) => `Ihre Störungsmeldung ${report} ist abgeschlossen:`,
    cleared: (when) => `Die Störung wurde am ${when} behoben.`,
    question: 'Wie zufrieden sind Sie mit der Bearbeitung?',
    nothingStored: 'Gespeichert wird erst, wenn Sie auf der Seite „Senden“ drücken.',
    notSolved: 'Mein Problem ist nicht gelöst',
    until: (when) => `Sie können bis ${when} antworten.`,
    why: 'Sie erhalten diese E-Mail, weil Sie uns diese Störung gemeldet haben.',
    optOut: 'Nicht mehr fragen',
    preheader: (report) => `Eine Frage zu Meldung ${report}.`,
    answeredBy: (report) => `Sie haben uns zu Meldung ${report} geschrieben.`,
  },
  page: {
    question: (report) => `Wie zufrieden sind Sie mit der Bearbeitung der Meldung ${report}?`,
    errorTitle: 'Fehler',
    yourAnswer: 'Ihre Antwort',
    complaints: 'Was war nicht gut? (freiwillig)',
    complaint: {
      slow: 'Es hat zu lange gedauert',
      notSolved: 'Es wurde nicht wirklich gelöst',
      poorlyInformed: 'Ich wurde schlecht informiert',
      unfriendly: 'Unfreundlicher Kontakt',
      repeatedFault: 'Es tritt immer wieder auf',
    },
    solved: 'Ist Ihr Problem gelöst? (freiwillig)',
    yes: 'Ja',
    no: 'Nein, die Meldung wieder öffnen',
    comment: 'Möchten Sie etwas hinzufügen?',
    commentHint: (longest) => `(freiwillig, höchstens ${longest} Zeichen)`,
    send: 'Senden',
    change: 'Geänderte Antwort senden',
    notSolved: 'Mein Problem ist nicht gelöst: Meldung wieder öffnen',
    sendOnly: 'Nur meine Antwort senden',
    hint: 'Gespeichert wird erst, wenn Sie eine Schaltfläche drücken.',
    changeable: (until) => `Das haben Sie geantwortet. Sie können es bis ${until} ändern.`,
    choose: 'Bitte wählen Sie eine der fünf Antworten.',
    tooLong: (length, longest) => `Bitte kürzen Sie Ihren Text: Er hat ${length} Zeichen, ${longest} passen.`,
    otherLanguages: 'Andere Sprachen',
  },
  thanks: {
    title: 'Vielen Dank',
    rating: (report, rating) => `Ihre Antwort zu Meldung ${report}: ${rating}.`,
    reopened: (report) =>
      `Meldung ${report} ist wieder offen. Wir kümmern uns darum und fragen Sie noch einmal, wenn die Störung behoben ist.`,
    followUp: (report, next) =>
      `Meldung ${report} ist zu lange abgeschlossen, um wieder geöffnet zu werden; dafür wurde Meldung ${next} eröffnet.`,
    change: 'Meine Antwort ändern',
    close: 'Sie können diese Seite schließen.',
  },
  ended: {
    answered: {
      title: 'Schon beantwortet',
      text: 'Vielen Dank, Ihre Antwort ist gespeichert. Sie lässt sich nicht mehr ändern.',
    },
    expired: {
      title: 'Diese Umfrage ist beendet',
      text: 'Sie lässt sich nicht mehr beantworten; es wurde nichts gespeichert. Wenn Ihr Problem nicht gelöst ist, melden Sie sich bitte noch einmal bei uns.',
    },
    superseded: {
      title: 'Diese Umfrage wurde ersetzt',
      text: 'Die Meldung wurde nach dieser E-Mail wieder geöffnet. Sie erhalten eine neue, wenn die Störung behoben ist.',
    },
  },
  optOut: {
    title: 'Keine Umfragen mehr?',
    ask: 'Drücken Sie die Schaltfläche, und wir fragen unter dieser Adresse nicht mehr nach Ihrer Zufriedenheit.',
    button: 'Nicht mehr fragen',
    doneTitle: 'Sie werden nicht mehr gefragt',
    done: 'Wir senden keine Umfragen mehr an diese Adresse. Ihre Meldungen werden bearbeitet wie bisher.',
  },
  refused: {
    title: 'Das hat nicht geklappt',
    again: 'Wenn Sie aus einer E-Mail hierher kamen, öffnen Sie deren Link bitte noch einmal.',
    invalid: 'Dieser Link ist nicht gültig.',
    tooMany: 'Es kamen zu viele Anfragen von Ihnen oder zu diesem Link. Bitte warten Sie eine Minute.',
    failed:
      'Auf unserer Seite klappt gerade etwas nicht. Bitte versuchen Sie es in einigen Minuten; der Link bleibt gültig.',
  },
};
