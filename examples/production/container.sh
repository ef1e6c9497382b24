# Build the image, and run it with the settings in a file and the secret in another.
pip wheel --no-deps --wheel-dir wheels CLONE
docker build -f Containerfile -t shop .
docker run --name shop --detach --restart unless-stopped --stop-timeout 20 \
    --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
    --volume shop-data:/data --publish 127.0.0.1:8000:8000 \
    --env-file settings --volume "$PWD/twilio-token:/run/secrets/twilio-token:ro" \
    --env TWILIO_AUTH_TOKEN_FILE=/run/secrets/twilio-token shop
