#!/bin/sh
# Makes the files beside it with openssl alone: a CPIX document with two content keys that are encrypted to a certificate, as key
# servers make it (CPIX 2.3, 6.1.4). Needs openssl 3 and xxd. The private keys are for tests and protect nothing.
set -eu
cd "$(dirname "$0")"

for name in recipient stranger; do
    openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 36500 -subj "/CN=$name of the tests" \
        -keyout "$name-key.pem" -out "$name-certificate.pem" 2>/dev/null
done

document_key=$(openssl rand -hex 32)
mac_key=$(openssl rand -hex 64)
base64() { openssl base64 -A; }
# RSA-OAEP with SHA-1 and MGF1 with SHA-1.
wrapped() {
    printf %s "$1" | xxd -r -p | openssl pkeyutl -encrypt -certin -inkey "$2-certificate.pem" \
        -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha1 -pkeyopt rsa_mgf1_md:sha1 | base64
}
encrypted_data() {
    echo "<enc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#$1\"/><enc:CipherData><enc:CipherValue>$2</enc:CipherValue></enc:CipherData>"
}
delivery_data() {
    cat <<END
<cpix:DeliveryData>
<cpix:DeliveryKey><ds:X509Data><ds:X509Certificate>
$(openssl x509 -in "$1-certificate.pem" -outform der | openssl base64)
</ds:X509Certificate></ds:X509Data></cpix:DeliveryKey>
<cpix:DocumentKey Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"><cpix:Data><pskc:Secret><pskc:EncryptedValue>
$(encrypted_data rsa-oaep-mgf1p "$(wrapped "$document_key" "$1")")
</pskc:EncryptedValue></pskc:Secret></cpix:Data></cpix:DocumentKey>
<cpix:MACMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha512"><cpix:Key>
$(encrypted_data rsa-oaep-mgf1p "$(wrapped "$mac_key" "$1")")
</cpix:Key></cpix:MACMethod>
</cpix:DeliveryData>
END
}
content_key() {
    iv=$(openssl rand -hex 16)
    sealed="$iv$(printf %s "$2" | xxd -r -p | openssl enc -aes-256-cbc -K "$document_key" -iv "$iv" | xxd -p | tr -d '\n')"
    mac=$(printf %s "$sealed" | xxd -r -p | openssl mac -digest SHA512 -macopt "hexkey:$mac_key" -binary HMAC | base64)
    cat <<END
<cpix:ContentKey kid="$1" commonEncryptionScheme="cbcs"><cpix:Data><pskc:Secret><pskc:EncryptedValue>
$(encrypted_data aes256-cbc "$(printf %s "$sealed" | xxd -r -p | base64)")
</pskc:EncryptedValue><pskc:ValueMAC>$mac</pskc:ValueMAC></pskc:Secret></cpix:Data></cpix:ContentKey>
END
}

cat > document.xml <<END
<?xml version="1.0" encoding="UTF-8"?>
<cpix:CPIX contentId="film" version="2.3" xmlns:cpix="urn:dashif:org:cpix" xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc" xmlns:enc="http://www.w3.org/2001/04/xmlenc#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
<cpix:DeliveryDataList>
$(delivery_data stranger)
$(delivery_data recipient)
</cpix:DeliveryDataList>
<cpix:ContentKeyList>
$(content_key 98ee5596-cd3e-420d-963a-e382420c6eff 166634c675823c235a4a9446fad52e4d)
$(content_key 53abdba2-f210-43cb-bc90-f18f9a890a02 0123456789abcdeffedcba9876543210)
</cpix:ContentKeyList>
<cpix:ContentKeyUsageRuleList>
<cpix:ContentKeyUsageRule kid="98ee5596-cd3e-420d-963a-e382420c6eff" intendedTrackType="VIDEO"><cpix:VideoFilter/></cpix:ContentKeyUsageRule>
<cpix:ContentKeyUsageRule kid="53abdba2-f210-43cb-bc90-f18f9a890a02" intendedTrackType="AUDIO"><cpix:AudioFilter/></cpix:ContentKeyUsageRule>
</cpix:ContentKeyUsageRuleList>
</cpix:CPIX>
END

# Nobody reads what is encrypted for the other one.
rm stranger-key.pem
