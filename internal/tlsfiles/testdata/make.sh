#!/bin/sh -e
# Makes the stores of this folder anew: with keytool and openssl, as operators make theirs. They are good for a hundred years.
cd "$(dirname "$0")"
rm -f ./*.p12 ./*.jks ./*.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 36500 -subj "/CN=authority of a test" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out client.csr -subj "/CN=client" 2>/dev/null
openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 36500 2>/dev/null
openssl pkcs8 -topk8 -v2 aes-256-cbc -in key.pem -out encrypted.pem -passout pass:changeit
openssl ec -in key.pem -aes128 -passout pass:changeit -out old.pem 2>/dev/null
openssl pkcs12 -export -in cert.pem -inkey key.pem -certfile ca.pem -passout pass:changeit -out client.keystore.p12 -name client
keytool -importcert -noprompt -alias ca -file ca.pem -keystore client.truststore.jks -storepass changeit 2>/dev/null
keytool -importcert -noprompt -alias ca -file ca.pem -keystore real.jks -storetype JKS -storepass changeit 2>/dev/null
cat cert.pem key.pem > both.pem
rm -f ca.key client.csr ca.srl
