package example;

import closeout.ApiClient;
import closeout.api.TroubleTicketApi;
import closeout.model.TroubleTicket;
import closeout.model.TroubleTicketCreate;
import closeout.model.TroubleTicketStatusType;
import closeout.model.TroubleTicketUpdate;

/** Opens, clears and reads a report with the client that was generated from /openapi.json. */
public class Client {
  public static void main(String[] args) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(args[0]);
    client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + args[1]));
    TroubleTicketApi tickets = new TroubleTicketApi(client);
    TroubleTicket opened = tickets.createTroubleTicket(
        new TroubleTicketCreate().description("No dial tone").severity("minor").ticketType("fault"));
    System.out.println("opened " + opened.getId() + ": " + opened.getStatus());
    tickets.patchTroubleTicket(opened.getId(), new TroubleTicketUpdate().status(TroubleTicketStatusType.RESOLVED));
    TroubleTicket ticket = opened;
    for (int attempt = 0; attempt < 100 && ticket.getStatus() != TroubleTicketStatusType.CLOSED; attempt++) {
      Thread.sleep(100);
      ticket = tickets.retrieveTroubleTicket(opened.getId(), null);
    }
    System.out.println("read " + ticket.getId() + ": " + ticket.getStatus());
    System.exit(ticket.getStatus() == TroubleTicketStatusType.CLOSED ? 0 : 1);
  }
}
