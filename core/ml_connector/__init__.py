"""What every ml-connector tap and target shares: HTTP, Singer, finance records, mapping, delivery."""
