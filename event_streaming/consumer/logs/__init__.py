"""What this site keeps on record: Event Sync Log, the cursor of each producer, tasks of long work; and figures drawn from them.

Never applies anything.
"""
