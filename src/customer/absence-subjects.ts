/** Subjects of automatic replies that carry no header to recognise them by. */

/** As Outlook, Exchange, Gmail and the like write them, in the languages of Europe and the most common ones of Asia. */
const phrases = `
  auto reply, automatic reply, automated reply, auto response, automatic response, automated response, out of office,
  out of the office, out of office reply, out of office autoreply, vacation reply, away from the office
  automatische antwort, automatische rückmeldung, abwesenheit, abwesenheitsnotiz, abwesenheitsmeldung, abwesend,
  abwesenheitsassistent, nicht im büro
  réponse automatique, absence, absence du bureau, absent du bureau, message d'absence, avis d'absence, notification d'absence
  respuesta automática, respuesta automatica, fuera de la oficina, fuera de oficina, mensaje de ausencia, ausente
  risposta automatica, fuori sede, fuori ufficio, assente
  resposta automática, resposta automatica, fora do escritório, ausência temporária, resposta automàtica
  automatisch antwoord, automatische reactie, afwezig, afwezigheid, afwezigheidsbericht, niet aanwezig
  autosvar, automatiskt svar, automatisk svar, frånvarande, frånvaro, fravær, fraværende, ikke til stede
  automaattinen vastaus, poissaoloviesti, poissa, sjálfvirkt svar
  odpowiedź automatyczna, automatyczna odpowiedź, autoodpowiedź, poza biurem, nieobecność
  automatická odpověď, automatická odpoveď, mimo kancelář, nepřítomnost
  automatikus válasz, házon kívül, răspuns automat, автоматичен отговор, αυτόματη απάντηση
  automatski odgovor, samodejni odgovor, automatinis atsakymas, automātiskā atbilde, automaatvastus
  автоответ, автоматический ответ, автоматическое уведомление, вне офиса, автоматична відповідь, автовідповідь
  otomatik yanıt, otomatik cevap, ofis dışında, balasan otomatis, trả lời tự động
  自動応答, 自動返信, 不在通知, 自动答复, 自动回复, 自動回覆, 自動回復, 自动应答, 자동 회신, 자동 응답, 부재중, 부재 중
  رد تلقائي, تلقائي الرد, תשובה אוטומטית, מענה אוטומטי, ตอบกลับอัตโนมัติ
`;

const normalised = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll('’', "'")
    .replace(/[-\s]+/g, ' ')
    .trim();

const known = new Set(phrases.split(/[,\n]/).map(normalised).filter(Boolean));

/** A phrase must be the whole subject or end with a colon: "Absence of dial tone" is a customer's. Tags such as [EXT] are ignored. */
export function isAbsenceSubject(subject: string): boolean {
  const [start = ''] = normalised(subject.replace(/^(\s*\[[^\]]*\])+/, '')).split(':');
  return known.has(start.trim());
}
