export { alertOperator } from './alert-operator.js';
export { closeProblemReport } from './close-problem-report.js';
