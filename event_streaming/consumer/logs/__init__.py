"""What this site keeps on record: Event Sync Log, the cursor of each producer; and figures drawn from them.

Never applies anything.
"""
