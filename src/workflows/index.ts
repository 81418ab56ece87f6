export { clearServiceProblem } from './clear-service-problem.js';
export { watchReports } from './watch-reports.js';
export { closeProblemReport } from './close-problem-report.js';
export { alertOperator } from './alert-operator.js';
export { forgetCustomers } from './forget-customers.js';
export { replyToCustomer } from './reply-to-customer.js';
