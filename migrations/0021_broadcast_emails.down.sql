drop index emails_broadcast
